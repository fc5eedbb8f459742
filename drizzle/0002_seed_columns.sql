ALTER TABLE "files" ADD COLUMN "url" text;--> statement-breakpoint
ALTER TABLE "audit_logs" ADD COLUMN "status" text DEFAULT 'success' NOT NULL;--> statement-breakpoint
ALTER TABLE "tenants" ADD COLUMN "metadata" jsonb DEFAULT '{}'::jsonb NOT NULL;