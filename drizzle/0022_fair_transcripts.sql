ALTER TABLE "transcript_mails" DROP CONSTRAINT "transcript_mails_contact_key";
--> statement-breakpoint
ALTER TABLE "escalations" ADD COLUMN "waits_since" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "transcript_mails" ADD COLUMN "network" text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE "transcript_mails" ADD COLUMN "proven" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "transcript_mails" ADD COLUMN "sealed_to" text;--> statement-breakpoint
CREATE INDEX "transcript_mails_network" ON "transcript_mails" USING btree ("tenant_id","network","created_at");--> statement-breakpoint
CREATE INDEX "transcript_mails_lately" ON "transcript_mails" USING btree ("tenant_id","created_at");