DROP INDEX "files_conversation";--> statement-breakpoint
CREATE INDEX "files_usage" ON "files" USING btree ("tenant_id","conversation_id","uploader_kind","size");--> statement-breakpoint
CREATE INDEX "messages_files" ON "messages" USING btree ("tenant_id","conversation_id") WHERE "messages"."parts" @? '$[*].fileId';