CREATE TABLE "surveys" (
	"tenant_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"conversation_id" uuid NOT NULL,
	"rating" integer NOT NULL,
	"comment" text,
	"revision" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "surveys_tenant_id_id_pk" PRIMARY KEY("tenant_id","id"),
	CONSTRAINT "surveys_conversation" UNIQUE("tenant_id","conversation_id"),
	CONSTRAINT "surveys_rating" CHECK ("surveys"."rating" between 1 and 5)
);
--> statement-breakpoint
CREATE TABLE "transcript_mails" (
	"tenant_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"conversation_id" uuid NOT NULL,
	"contact_id" uuid NOT NULL,
	"recipient" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "transcript_mails_tenant_id_id_pk" PRIMARY KEY("tenant_id","id")
);
--> statement-breakpoint
ALTER TABLE "surveys" ADD CONSTRAINT "surveys_tenant_id_tenants_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "surveys" ADD CONSTRAINT "surveys_conversation_key" FOREIGN KEY ("tenant_id","conversation_id") REFERENCES "public"."conversations"("tenant_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "transcript_mails" ADD CONSTRAINT "transcript_mails_tenant_id_tenants_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "transcript_mails" ADD CONSTRAINT "transcript_mails_conversation_key" FOREIGN KEY ("tenant_id","conversation_id") REFERENCES "public"."conversations"("tenant_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "transcript_mails" ADD CONSTRAINT "transcript_mails_contact_key" FOREIGN KEY ("tenant_id","contact_id") REFERENCES "public"."contacts"("tenant_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "transcript_mails_conversation" ON "transcript_mails" USING btree ("tenant_id","conversation_id","created_at");--> statement-breakpoint
CREATE INDEX "transcript_mails_contact" ON "transcript_mails" USING btree ("tenant_id","contact_id","created_at");--> statement-breakpoint
CREATE INDEX "transcript_mails_recipient" ON "transcript_mails" USING btree ("tenant_id","recipient","created_at");--> statement-breakpoint
CREATE INDEX "escalations_claimed" ON "escalations" USING btree ("tenant_id","assigned_at") WHERE "escalations"."assigned_at" is not null;