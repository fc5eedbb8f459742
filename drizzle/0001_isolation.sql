-- What the generator cannot express: extensions, serving roles, keys that clear one column, the immutable audit trail.
-- Policies and grants are kept by protect.sql, which runs after every migration.

create extension if not exists vector;
--> statement-breakpoint

-- Roles belong to the whole server, so another database (or a node starting at the same moment) may have made them already.
-- parley_app       serves tenants; sees the rows of one tenant at a time
-- parley_identity  serves sign-in; owns a person's accounts and sessions, and sees that person's memberships
-- parley_platform  serves the master admin; sees the list of tenants, nothing inside them
-- parley_jobs      adds background jobs
do $$
declare
  role_name text;
begin
  foreach role_name in array array['parley_app', 'parley_identity', 'parley_platform', 'parley_jobs'] loop
    if not exists (select from pg_roles where rolname = role_name) then
      begin
        execute format('create role %I nologin noinherit', role_name);
      exception when duplicate_object or unique_violation then
        null; -- another node was faster
      end;
    end if;
    -- The login must be able to switch to the role. A superuser can already; granting to it would only add noise. Since version 16
    -- whoever makes a role is its member without being able to switch to it.
    if not (select rolsuper from pg_roles where rolname = current_user)
       and not pg_has_role(current_user, role_name,
         case when current_setting('server_version_num')::int < 160000 then 'member' else 'set' end) then
      execute format('grant %I to current_user', role_name);
    end if;
  end loop;
end $$;
--> statement-breakpoint

-- A row that goes takes only the reference with it, not the tenant: plain "set null" would clear tenant_id as well.
alter table conversations
  add constraint conversations_contact_key foreign key (tenant_id, contact_id)
    references contacts (tenant_id, id) on delete set null (contact_id),
  add constraint conversations_widget_key foreign key (tenant_id, widget_id)
    references widgets (tenant_id, id) on delete set null (widget_id),
  add constraint conversations_assigned_key foreign key (tenant_id, assigned_member_id)
    references members (tenant_id, id) on delete set null (assigned_member_id),
  add constraint conversations_creator_key foreign key (tenant_id, created_by)
    references members (tenant_id, id) on delete set null (created_by);
--> statement-breakpoint
alter table invitations
  add constraint invitations_inviter_key foreign key (tenant_id, invited_by)
    references members (tenant_id, id) on delete set null (invited_by);
--> statement-breakpoint
alter table api_keys
  add constraint api_keys_creator_key foreign key (tenant_id, created_by)
    references members (tenant_id, id) on delete set null (created_by);
--> statement-breakpoint
alter table role_assignments
  add constraint role_assignments_assigner_key foreign key (tenant_id, assigned_by)
    references members (tenant_id, id) on delete set null (assigned_by);
--> statement-breakpoint

-- Deferred: the key under which a tenant is created is written before the tenant.
alter table idempotency_keys
  add constraint idempotency_keys_tenant foreign key (tenant_id)
    references tenants (id) on delete cascade deferrable initially deferred;
--> statement-breakpoint

-- Holds for every role, the owner included; the serving role has no grant to begin with.
create function forbid_change() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only', tg_table_name using errcode = 'insufficient_privilege';
end $$;
--> statement-breakpoint
create trigger audit_logs_append_only before update or delete on audit_logs
  for each row execute function forbid_change();
--> statement-breakpoint
create trigger audit_logs_never_emptied before truncate on audit_logs
  for each statement execute function forbid_change();
