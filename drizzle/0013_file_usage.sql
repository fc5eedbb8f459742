DROP INDEX "files_usage";--> statement-breakpoint
CREATE INDEX "files_usage" ON "files" USING btree ("tenant_id","conversation_id","uploader_kind","uploader_id","size");