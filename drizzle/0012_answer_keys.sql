-- Keys that clear only their own column when the row goes, which the generator cannot express.
alter table conversations
  add constraint conversations_agent_key foreign key (tenant_id, agent_id)
    references agents (tenant_id, id) on delete set null (agent_id);
--> statement-breakpoint
alter table widgets
  add constraint widgets_agent_key foreign key (tenant_id, agent_id)
    references agents (tenant_id, id) on delete set null (agent_id);
--> statement-breakpoint
alter table agents
  add constraint agents_creator foreign key (tenant_id, created_by)
    references members (tenant_id, id) on delete set null (created_by);
--> statement-breakpoint
alter table agent_versions
  add constraint agent_versions_publisher foreign key (tenant_id, published_by)
    references members (tenant_id, id) on delete set null (published_by);
--> statement-breakpoint
alter table agent_permissions
  add constraint agent_permissions_member foreign key (tenant_id, member_id)
    references members (tenant_id, id) on delete cascade;
--> statement-breakpoint
alter table memories
  add constraint memories_agent foreign key (tenant_id, agent_id)
    references agents (tenant_id, id) on delete set null (agent_id);
--> statement-breakpoint
alter table mcp_servers
  add constraint mcp_servers_creator foreign key (tenant_id, created_by)
    references members (tenant_id, id) on delete set null (created_by);
--> statement-breakpoint
alter table knowledge_sources
  add constraint knowledge_sources_agent_key foreign key (tenant_id, agent_id)
    references agents (tenant_id, id) on delete cascade,
  add constraint knowledge_sources_creator foreign key (tenant_id, created_by)
    references members (tenant_id, id) on delete set null (created_by);
--> statement-breakpoint
alter table knowledge_chunks
  add constraint knowledge_chunks_agent_key foreign key (tenant_id, agent_id)
    references agents (tenant_id, id) on delete cascade,
  -- Beside its row, not in a table of its own: an exact search reads every vector of its tenant.
  alter column embedding set storage plain;
--> statement-breakpoint
alter table escalations
  add constraint escalations_contact foreign key (tenant_id, contact_id)
    references contacts (tenant_id, id) on delete set null (contact_id),
  add constraint escalations_assignee foreign key (tenant_id, assigned_member_id)
    references members (tenant_id, id) on delete set null (assigned_member_id);
--> statement-breakpoint
alter table escalations
  add constraint escalations_run foreign key (tenant_id, run_id)
    references agent_runs (tenant_id, id) on delete set null (run_id);
--> statement-breakpoint
alter table agent_runs
  add constraint agent_runs_message foreign key (tenant_id, message_id)
    references messages (tenant_id, id) on delete set null (message_id),
  add constraint agent_runs_regenerates foreign key (tenant_id, regenerates)
    references messages (tenant_id, id) on delete set null (regenerates);
--> statement-breakpoint
alter table memories
  add constraint memories_conversation foreign key (tenant_id, source_id)
    references conversations (tenant_id, id) on delete set null (source_id);
