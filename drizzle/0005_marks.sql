ALTER TABLE "read_marks" ALTER COLUMN "seq" SET DEFAULT 0;--> statement-breakpoint
ALTER TABLE "read_marks" ADD COLUMN "public_seq" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "read_marks" ADD COLUMN "delivered_seq" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "read_marks" ADD COLUMN "delivered_public_seq" bigint DEFAULT 0 NOT NULL;