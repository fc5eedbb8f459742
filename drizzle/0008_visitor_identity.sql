CREATE TABLE "former_contacts" (
	"tenant_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"successor_id" uuid,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "former_contacts_tenant_id_id_pk" PRIMARY KEY("tenant_id","id")
);
--> statement-breakpoint
CREATE TABLE "widget_identities" (
	"tenant_id" uuid NOT NULL,
	"widget_id" uuid NOT NULL,
	"algorithm" text NOT NULL,
	"material" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "widget_identities_tenant_id_widget_id_pk" PRIMARY KEY("tenant_id","widget_id"),
	CONSTRAINT "widget_identities_algorithm" CHECK ("widget_identities"."algorithm" in ('HS256', 'EdDSA'))
);
--> statement-breakpoint
ALTER TABLE "conversations" ADD COLUMN "speaker_id" uuid;--> statement-breakpoint
ALTER TABLE "widgets" ADD COLUMN "identity_required" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "former_contacts" ADD CONSTRAINT "former_contacts_tenant_id_tenants_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "widget_identities" ADD CONSTRAINT "widget_identities_tenant_id_tenants_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "widget_identities" ADD CONSTRAINT "widget_identities_widget" FOREIGN KEY ("tenant_id","widget_id") REFERENCES "public"."widgets"("tenant_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "former_contacts_successor" ON "former_contacts" USING btree ("tenant_id","successor_id");--> statement-breakpoint
-- By hand: a contact that goes takes only the reference with it, not the tenant.
ALTER TABLE "former_contacts" ADD CONSTRAINT "former_contacts_successor_key" FOREIGN KEY ("tenant_id","successor_id") REFERENCES "contacts"("tenant_id","id") ON DELETE SET NULL ("successor_id");
