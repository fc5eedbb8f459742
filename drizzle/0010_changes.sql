ALTER TABLE "conversations" ADD COLUMN "changed_at" timestamp with time zone DEFAULT now() NOT NULL;--> statement-breakpoint
ALTER TABLE "read_marks" ADD COLUMN "public_moved_at" timestamp with time zone DEFAULT now() NOT NULL;--> statement-breakpoint
CREATE INDEX "conversations_updated" ON "conversations" USING btree ("tenant_id","updated_at") WHERE "conversations"."seq" > 0;--> statement-breakpoint
CREATE INDEX "read_marks_updated" ON "read_marks" USING btree ("tenant_id","updated_at") WHERE "read_marks"."reader_kind" in ('member', 'system');