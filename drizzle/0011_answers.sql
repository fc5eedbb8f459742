CREATE TABLE "agent_permissions" (
	"tenant_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"agent_id" uuid NOT NULL,
	"member_id" uuid NOT NULL,
	"visibility" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "agent_permissions_tenant_id_id_pk" PRIMARY KEY("tenant_id","id"),
	CONSTRAINT "agent_permissions_once" UNIQUE("tenant_id","agent_id","member_id"),
	CONSTRAINT "agent_permissions_visibility" CHECK ("agent_permissions"."visibility" in ('visible', 'hidden'))
);
--> statement-breakpoint
CREATE TABLE "agent_templates" (
	"id" uuid PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"description" text NOT NULL,
	"category" text NOT NULL,
	"icon" text,
	"base_prompt" text NOT NULL,
	"welcome_message" text,
	"suggested_tools" text[] DEFAULT '{}' NOT NULL,
	"active" boolean DEFAULT true NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "agent_templates_name" UNIQUE("name")
);
--> statement-breakpoint
CREATE TABLE "agent_versions" (
	"tenant_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"agent_id" uuid NOT NULL,
	"version" integer NOT NULL,
	"definition" jsonb NOT NULL,
	"note" text DEFAULT '' NOT NULL,
	"published_by" uuid,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "agent_versions_tenant_id_id_pk" PRIMARY KEY("tenant_id","id"),
	CONSTRAINT "agent_versions_number" UNIQUE("tenant_id","agent_id","version")
);
--> statement-breakpoint
CREATE TABLE "agents" (
	"tenant_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"name" text NOT NULL,
	"description" text,
	"avatar_url" text,
	"icon" text,
	"type" text DEFAULT 'support' NOT NULL,
	"status" text DEFAULT 'draft' NOT NULL,
	"instructions" text DEFAULT '' NOT NULL,
	"welcome_message" text,
	"provider" text DEFAULT 'default' NOT NULL,
	"model" text,
	"parameters" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"tools" text[] DEFAULT '{knowledge_search,hand_over,collect_contact}' NOT NULL,
	"tool_resources" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"allowed_mcp_servers" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"escalation_rules" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"limits" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"tier" text DEFAULT 'free' NOT NULL,
	"published" boolean DEFAULT false NOT NULL,
	"version" integer DEFAULT 0 NOT NULL,
	"github_repository" text,
	"created_by" uuid,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "agents_tenant_id_id_pk" PRIMARY KEY("tenant_id","id"),
	CONSTRAINT "agents_name" UNIQUE("tenant_id","name"),
	CONSTRAINT "agents_type" CHECK ("agents"."type" in ('support', 'sales', 'general', 'custom')),
	CONSTRAINT "agents_status" CHECK ("agents"."status" in ('draft', 'active', 'paused', 'archived'))
);
--> statement-breakpoint
CREATE TABLE "conversation_memory" (
	"tenant_id" uuid NOT NULL,
	"conversation_id" uuid NOT NULL,
	"summary" text NOT NULL,
	"seq" integer NOT NULL,
	"token_count" integer NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "conversation_memory_tenant_id_conversation_id_pk" PRIMARY KEY("tenant_id","conversation_id")
);
--> statement-breakpoint
CREATE TABLE "memories" (
	"tenant_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"contact_id" uuid NOT NULL,
	"agent_id" uuid,
	"key" text NOT NULL,
	"value" text NOT NULL,
	"category" text,
	"source" text DEFAULT 'conversation' NOT NULL,
	"source_id" uuid,
	"search" "tsvector",
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "memories_tenant_id_id_pk" PRIMARY KEY("tenant_id","id"),
	CONSTRAINT "memories_key" UNIQUE("tenant_id","contact_id","key"),
	CONSTRAINT "memories_source" CHECK ("memories"."source" in ('conversation', 'manual', 'import'))
);
--> statement-breakpoint
CREATE TABLE "escalations" (
	"tenant_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"conversation_id" uuid NOT NULL,
	"contact_id" uuid,
	"run_id" uuid,
	"epoch" integer NOT NULL,
	"reason" text NOT NULL,
	"detail" text DEFAULT '' NOT NULL,
	"priority" integer DEFAULT 0 NOT NULL,
	"status" text DEFAULT 'pending' NOT NULL,
	"brief" jsonb NOT NULL,
	"assigned_member_id" uuid,
	"assigned_at" timestamp with time zone,
	"resolved_at" timestamp with time zone,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "escalations_tenant_id_id_pk" PRIMARY KEY("tenant_id","id"),
	CONSTRAINT "escalations_reason" CHECK ("escalations"."reason" in ('asked_for_person', 'no_answer', 'low_confidence', 'model_failed', 'budget_exhausted', 'turn_limit', 'rule', 'member_took_over')),
	CONSTRAINT "escalations_status" CHECK ("escalations"."status" in ('pending', 'assigned', 'returned', 'resolved'))
);
--> statement-breakpoint
CREATE TABLE "knowledge_chunks" (
	"tenant_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"source_id" uuid NOT NULL,
	"document_id" uuid NOT NULL,
	"agent_id" uuid,
	"parent_chunk_id" uuid,
	"position" integer NOT NULL,
	"page" integer,
	"section" text DEFAULT '' NOT NULL,
	"text" text NOT NULL,
	"token_count" integer NOT NULL,
	"content_hash" text NOT NULL,
	"searchable" boolean DEFAULT true NOT NULL,
	"embedding" halfvec(1536),
	"search" "tsvector",
	"metadata" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "knowledge_chunks_tenant_id_id_pk" PRIMARY KEY("tenant_id","id"),
	CONSTRAINT "knowledge_chunks_place" UNIQUE("tenant_id","document_id","position")
);
--> statement-breakpoint
CREATE TABLE "knowledge_documents" (
	"tenant_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"source_id" uuid NOT NULL,
	"uri" text NOT NULL,
	"title" text NOT NULL,
	"mime_type" text NOT NULL,
	"content_hash" text NOT NULL,
	"status" text DEFAULT 'ready' NOT NULL,
	"error_code" text,
	"error_message" text,
	"page_count" integer,
	"token_count" integer DEFAULT 0 NOT NULL,
	"metadata" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "knowledge_documents_tenant_id_id_pk" PRIMARY KEY("tenant_id","id"),
	CONSTRAINT "knowledge_documents_uri" UNIQUE("tenant_id","source_id","uri"),
	CONSTRAINT "knowledge_documents_status" CHECK ("knowledge_documents"."status" in ('ready', 'skipped', 'error'))
);
--> statement-breakpoint
CREATE TABLE "knowledge_sources" (
	"tenant_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"agent_id" uuid,
	"name" text NOT NULL,
	"type" text NOT NULL,
	"status" text DEFAULT 'processing' NOT NULL,
	"progress" jsonb DEFAULT '{"stage":"waiting","done":0,"total":null}'::jsonb NOT NULL,
	"error_code" text,
	"error_message" text,
	"file_name" text,
	"file_type" text,
	"file_size" integer,
	"storage_key" text,
	"url" text,
	"settings" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"sealed_credential" text,
	"content_hash" text,
	"embedder" text,
	"tags" text[] DEFAULT '{}' NOT NULL,
	"metadata" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"revision" integer DEFAULT 1 NOT NULL,
	"document_count" integer DEFAULT 0 NOT NULL,
	"chunk_count" integer DEFAULT 0 NOT NULL,
	"token_count" integer DEFAULT 0 NOT NULL,
	"synced_at" timestamp with time zone,
	"created_by" uuid,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "knowledge_sources_tenant_id_id_pk" PRIMARY KEY("tenant_id","id"),
	CONSTRAINT "knowledge_sources_type" CHECK ("knowledge_sources"."type" in ('file', 'url', 'text', 'github')),
	CONSTRAINT "knowledge_sources_status" CHECK ("knowledge_sources"."status" in ('processing', 'ready', 'error'))
);
--> statement-breakpoint
CREATE TABLE "query_refinements" (
	"tenant_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"retrieval_id" uuid NOT NULL,
	"refined_retrieval_id" uuid,
	"original_query" text NOT NULL,
	"refined_query" text NOT NULL,
	"reasoning" text DEFAULT '' NOT NULL,
	"improvement" real,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "query_refinements_tenant_id_id_pk" PRIMARY KEY("tenant_id","id")
);
--> statement-breakpoint
CREATE TABLE "reasoning_steps" (
	"tenant_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"retrieval_id" uuid NOT NULL,
	"step" integer NOT NULL,
	"action" text NOT NULL,
	"reasoning" text DEFAULT '' NOT NULL,
	"result" text DEFAULT '' NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "reasoning_steps_tenant_id_id_pk" PRIMARY KEY("tenant_id","id"),
	CONSTRAINT "reasoning_steps_order" UNIQUE("tenant_id","retrieval_id","step")
);
--> statement-breakpoint
CREATE TABLE "retrievals" (
	"tenant_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"agent_id" uuid,
	"conversation_id" uuid,
	"run_id" uuid,
	"query" text NOT NULL,
	"method" text NOT NULL,
	"embedder" text NOT NULL,
	"candidates" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"chosen" uuid[] DEFAULT '{}' NOT NULL,
	"reranker" text,
	"confidence" real NOT NULL,
	"judgement" text NOT NULL,
	"reasoning" text DEFAULT '' NOT NULL,
	"latency_ms" real NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "retrievals_tenant_id_id_pk" PRIMARY KEY("tenant_id","id"),
	CONSTRAINT "retrievals_judgement" CHECK ("retrievals"."judgement" in ('confident', 'unsure', 'none'))
);
--> statement-breakpoint
CREATE TABLE "budget_alerts" (
	"tenant_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"budget_id" uuid NOT NULL,
	"period_start" timestamp with time zone NOT NULL,
	"threshold" numeric(4, 3) NOT NULL,
	"current_spend" numeric(16, 8) NOT NULL,
	"severity" text NOT NULL,
	"resolved" boolean DEFAULT false NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "budget_alerts_tenant_id_id_pk" PRIMARY KEY("tenant_id","id"),
	CONSTRAINT "budget_alerts_once" UNIQUE("tenant_id","budget_id","period_start","threshold"),
	CONSTRAINT "budget_alerts_severity" CHECK ("budget_alerts"."severity" in ('notice', 'warning', 'exhausted'))
);
--> statement-breakpoint
CREATE TABLE "budget_reservations" (
	"tenant_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"budget_id" uuid NOT NULL,
	"run_id" uuid NOT NULL,
	"period_start" timestamp with time zone NOT NULL,
	"amount_usd" numeric(16, 8) NOT NULL,
	"lapses_at" timestamp with time zone NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "budget_reservations_tenant_id_id_pk" PRIMARY KEY("tenant_id","id"),
	CONSTRAINT "budget_reservations_run" UNIQUE("tenant_id","budget_id","run_id")
);
--> statement-breakpoint
CREATE TABLE "budgets" (
	"tenant_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"period" text NOT NULL,
	"limit_usd" numeric(16, 8) NOT NULL,
	"economy_from" numeric(4, 3) DEFAULT 0.8 NOT NULL,
	"built_in_after" boolean DEFAULT true NOT NULL,
	"alert_at" jsonb DEFAULT '[0.5, 0.8, 1]'::jsonb NOT NULL,
	"period_start" timestamp with time zone NOT NULL,
	"spent_usd" numeric(16, 8) DEFAULT 0 NOT NULL,
	"reserved_usd" numeric(16, 8) DEFAULT 0 NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "budgets_tenant_id_id_pk" PRIMARY KEY("tenant_id","id"),
	CONSTRAINT "budgets_period" UNIQUE("tenant_id","period"),
	CONSTRAINT "budgets_period_kind" CHECK ("budgets"."period" in ('day', 'month'))
);
--> statement-breakpoint
CREATE TABLE "cost_events" (
	"tenant_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"service" text NOT NULL,
	"provider" text NOT NULL,
	"model" text NOT NULL,
	"conversation_id" uuid,
	"run_id" uuid,
	"agent_id" uuid,
	"source_id" uuid,
	"input_tokens" integer DEFAULT 0 NOT NULL,
	"output_tokens" integer DEFAULT 0 NOT NULL,
	"cached_tokens" integer DEFAULT 0 NOT NULL,
	"units" integer DEFAULT 0 NOT NULL,
	"cost_usd" numeric(16, 8) DEFAULT 0 NOT NULL,
	"priced" boolean DEFAULT false NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "cost_events_tenant_id_id_pk" PRIMARY KEY("tenant_id","id"),
	CONSTRAINT "cost_events_service" CHECK ("cost_events"."service" in ('model', 'embedding', 'rerank'))
);
--> statement-breakpoint
CREATE TABLE "cost_summaries" (
	"tenant_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"day" timestamp with time zone NOT NULL,
	"service" text NOT NULL,
	"provider" text NOT NULL,
	"model" text NOT NULL,
	"events" integer NOT NULL,
	"input_tokens" integer NOT NULL,
	"output_tokens" integer NOT NULL,
	"cost_usd" numeric(16, 8) NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "cost_summaries_tenant_id_id_pk" PRIMARY KEY("tenant_id","id"),
	CONSTRAINT "cost_summaries_day" UNIQUE("tenant_id","day","service","provider","model")
);
--> statement-breakpoint
CREATE TABLE "mcp_server_instructions" (
	"tenant_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"mcp_server_id" uuid NOT NULL,
	"instructions" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "mcp_server_instructions_tenant_id_id_pk" PRIMARY KEY("tenant_id","id"),
	CONSTRAINT "mcp_server_instructions_once" UNIQUE("tenant_id","mcp_server_id")
);
--> statement-breakpoint
CREATE TABLE "mcp_servers" (
	"tenant_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"name" text NOT NULL,
	"transport" text NOT NULL,
	"command" text,
	"args" text[] DEFAULT '{}' NOT NULL,
	"url" text,
	"sealed_secrets" text,
	"active" boolean DEFAULT true NOT NULL,
	"created_by" uuid,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "mcp_servers_tenant_id_id_pk" PRIMARY KEY("tenant_id","id"),
	CONSTRAINT "mcp_servers_name" UNIQUE("tenant_id","name"),
	CONSTRAINT "mcp_servers_transport" CHECK ("mcp_servers"."transport" in ('stdio', 'sse', 'streamable-http'))
);
--> statement-breakpoint
CREATE TABLE "mcp_tool_instructions" (
	"tenant_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"mcp_server_id" uuid NOT NULL,
	"tool_name" text NOT NULL,
	"instructions" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "mcp_tool_instructions_tenant_id_id_pk" PRIMARY KEY("tenant_id","id"),
	CONSTRAINT "mcp_tool_instructions_once" UNIQUE("tenant_id","mcp_server_id","tool_name")
);
--> statement-breakpoint
CREATE TABLE "agent_runs" (
	"tenant_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"conversation_id" uuid NOT NULL,
	"agent_id" uuid NOT NULL,
	"agent_version" integer NOT NULL,
	"epoch" integer NOT NULL,
	"answers_seq" integer NOT NULL,
	"attempt" integer DEFAULT 1 NOT NULL,
	"state" text DEFAULT 'running' NOT NULL,
	"node" uuid NOT NULL,
	"lease_until" timestamp with time zone NOT NULL,
	"stop_requested" boolean DEFAULT false NOT NULL,
	"regenerates" uuid,
	"provider" text NOT NULL,
	"model" text NOT NULL,
	"message_id" uuid,
	"finish_reason" text,
	"error" text,
	"input_tokens" integer DEFAULT 0 NOT NULL,
	"output_tokens" integer DEFAULT 0 NOT NULL,
	"cost_usd" numeric(16, 8) DEFAULT 0 NOT NULL,
	"first_token_ms" integer,
	"finished_at" timestamp with time zone,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "agent_runs_tenant_id_id_pk" PRIMARY KEY("tenant_id","id"),
	CONSTRAINT "agent_runs_state" CHECK ("agent_runs"."state" in ('running', 'done', 'stopped', 'handed_over', 'failed', 'superseded', 'lost'))
);
--> statement-breakpoint
ALTER TABLE "conversations" ADD COLUMN "asked_seq" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "conversations" ADD COLUMN "answered_seq" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "agent_permissions" ADD CONSTRAINT "agent_permissions_tenant_id_tenants_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "agent_permissions" ADD CONSTRAINT "agent_permissions_agent" FOREIGN KEY ("tenant_id","agent_id") REFERENCES "public"."agents"("tenant_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "agent_versions" ADD CONSTRAINT "agent_versions_tenant_id_tenants_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "agent_versions" ADD CONSTRAINT "agent_versions_agent" FOREIGN KEY ("tenant_id","agent_id") REFERENCES "public"."agents"("tenant_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "agents" ADD CONSTRAINT "agents_tenant_id_tenants_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "conversation_memory" ADD CONSTRAINT "conversation_memory_tenant_id_tenants_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "conversation_memory" ADD CONSTRAINT "conversation_memory_conversation" FOREIGN KEY ("tenant_id","conversation_id") REFERENCES "public"."conversations"("tenant_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "memories" ADD CONSTRAINT "memories_tenant_id_tenants_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "memories" ADD CONSTRAINT "memories_contact" FOREIGN KEY ("tenant_id","contact_id") REFERENCES "public"."contacts"("tenant_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "escalations" ADD CONSTRAINT "escalations_tenant_id_tenants_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "escalations" ADD CONSTRAINT "escalations_conversation_key" FOREIGN KEY ("tenant_id","conversation_id") REFERENCES "public"."conversations"("tenant_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "knowledge_chunks" ADD CONSTRAINT "knowledge_chunks_tenant_id_tenants_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "knowledge_chunks" ADD CONSTRAINT "knowledge_chunks_source_key" FOREIGN KEY ("tenant_id","source_id") REFERENCES "public"."knowledge_sources"("tenant_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "knowledge_chunks" ADD CONSTRAINT "knowledge_chunks_document" FOREIGN KEY ("tenant_id","document_id") REFERENCES "public"."knowledge_documents"("tenant_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "knowledge_chunks" ADD CONSTRAINT "knowledge_chunks_parent" FOREIGN KEY ("tenant_id","parent_chunk_id") REFERENCES "public"."knowledge_chunks"("tenant_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "knowledge_documents" ADD CONSTRAINT "knowledge_documents_tenant_id_tenants_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "knowledge_documents" ADD CONSTRAINT "knowledge_documents_source" FOREIGN KEY ("tenant_id","source_id") REFERENCES "public"."knowledge_sources"("tenant_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "knowledge_sources" ADD CONSTRAINT "knowledge_sources_tenant_id_tenants_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "query_refinements" ADD CONSTRAINT "query_refinements_tenant_id_tenants_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "query_refinements" ADD CONSTRAINT "query_refinements_retrieval_key" FOREIGN KEY ("tenant_id","retrieval_id") REFERENCES "public"."retrievals"("tenant_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "query_refinements" ADD CONSTRAINT "query_refinements_refined" FOREIGN KEY ("tenant_id","refined_retrieval_id") REFERENCES "public"."retrievals"("tenant_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "reasoning_steps" ADD CONSTRAINT "reasoning_steps_tenant_id_tenants_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "reasoning_steps" ADD CONSTRAINT "reasoning_steps_retrieval" FOREIGN KEY ("tenant_id","retrieval_id") REFERENCES "public"."retrievals"("tenant_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "retrievals" ADD CONSTRAINT "retrievals_tenant_id_tenants_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "budget_alerts" ADD CONSTRAINT "budget_alerts_tenant_id_tenants_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "budget_alerts" ADD CONSTRAINT "budget_alerts_budget" FOREIGN KEY ("tenant_id","budget_id") REFERENCES "public"."budgets"("tenant_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "budget_reservations" ADD CONSTRAINT "budget_reservations_tenant_id_tenants_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "budget_reservations" ADD CONSTRAINT "budget_reservations_budget" FOREIGN KEY ("tenant_id","budget_id") REFERENCES "public"."budgets"("tenant_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "budgets" ADD CONSTRAINT "budgets_tenant_id_tenants_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "cost_events" ADD CONSTRAINT "cost_events_tenant_id_tenants_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "cost_summaries" ADD CONSTRAINT "cost_summaries_tenant_id_tenants_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "mcp_server_instructions" ADD CONSTRAINT "mcp_server_instructions_tenant_id_tenants_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "mcp_server_instructions" ADD CONSTRAINT "mcp_server_instructions_server" FOREIGN KEY ("tenant_id","mcp_server_id") REFERENCES "public"."mcp_servers"("tenant_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "mcp_servers" ADD CONSTRAINT "mcp_servers_tenant_id_tenants_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "mcp_tool_instructions" ADD CONSTRAINT "mcp_tool_instructions_tenant_id_tenants_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "mcp_tool_instructions" ADD CONSTRAINT "mcp_tool_instructions_server" FOREIGN KEY ("tenant_id","mcp_server_id") REFERENCES "public"."mcp_servers"("tenant_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "agent_runs" ADD CONSTRAINT "agent_runs_tenant_id_tenants_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "agent_runs" ADD CONSTRAINT "agent_runs_conversation_key" FOREIGN KEY ("tenant_id","conversation_id") REFERENCES "public"."conversations"("tenant_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "agent_runs" ADD CONSTRAINT "agent_runs_agent" FOREIGN KEY ("tenant_id","agent_id") REFERENCES "public"."agents"("tenant_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "memories_search" ON "memories" USING gin ("search");--> statement-breakpoint
CREATE INDEX "escalations_queue" ON "escalations" USING btree ("tenant_id","status","priority","created_at");--> statement-breakpoint
CREATE INDEX "escalations_conversation" ON "escalations" USING btree ("tenant_id","conversation_id");--> statement-breakpoint
CREATE INDEX "knowledge_chunks_source" ON "knowledge_chunks" USING btree ("tenant_id","source_id");--> statement-breakpoint
CREATE INDEX "knowledge_chunks_search" ON "knowledge_chunks" USING gin ("search");--> statement-breakpoint
CREATE INDEX "knowledge_sources_agent" ON "knowledge_sources" USING btree ("tenant_id","agent_id");--> statement-breakpoint
CREATE INDEX "query_refinements_retrieval" ON "query_refinements" USING btree ("tenant_id","retrieval_id");--> statement-breakpoint
CREATE INDEX "retrievals_time" ON "retrievals" USING btree ("tenant_id","created_at");--> statement-breakpoint
CREATE INDEX "retrievals_conversation" ON "retrievals" USING btree ("tenant_id","conversation_id");--> statement-breakpoint
CREATE INDEX "budget_reservations_lapse" ON "budget_reservations" USING btree ("tenant_id","lapses_at");--> statement-breakpoint
CREATE INDEX "cost_events_time" ON "cost_events" USING btree ("tenant_id","created_at");--> statement-breakpoint
CREATE UNIQUE INDEX "agent_runs_one" ON "agent_runs" USING btree ("tenant_id","conversation_id") WHERE "agent_runs"."state" = 'running';--> statement-breakpoint
CREATE INDEX "agent_runs_conversation" ON "agent_runs" USING btree ("tenant_id","conversation_id","created_at");--> statement-breakpoint
CREATE INDEX "conversations_due" ON "conversations" USING btree ("tenant_id") WHERE "conversations"."owner" = 'ai' and "conversations"."agent_id" is not null and "conversations"."asked_seq" > "conversations"."answered_seq";