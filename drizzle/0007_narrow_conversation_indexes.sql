ALTER TABLE "conversations" DROP CONSTRAINT "conversations_channel";--> statement-breakpoint
ALTER TABLE "conversations" DROP CONSTRAINT "conversations_share";--> statement-breakpoint
DROP INDEX "conversations_assigned";--> statement-breakpoint
DROP INDEX "conversations_contact";--> statement-breakpoint
CREATE UNIQUE INDEX "conversations_channel" ON "conversations" USING btree ("tenant_id","channel","channel_conversation_id") WHERE "conversations"."channel_conversation_id" is not null;--> statement-breakpoint
CREATE UNIQUE INDEX "conversations_share" ON "conversations" USING btree ("tenant_id","share_token") WHERE "conversations"."share_token" is not null;--> statement-breakpoint
CREATE INDEX "conversations_assigned" ON "conversations" USING btree ("tenant_id","assigned_member_id") WHERE "conversations"."assigned_member_id" is not null;--> statement-breakpoint
CREATE INDEX "conversations_contact" ON "conversations" USING btree ("tenant_id","contact_id") WHERE "conversations"."contact_id" is not null;