-- Isolation, applied after every migration (S1, S2). Idempotent, and silent about what is already right, so that a node
-- starting beside running ones takes no lock. A table that has a tenant_id is protected without being named here.
-- Policies are recognised by name: to change one, drop it in a migration and let this file make it anew.

do $$
declare
  entry record;
  rule text;
begin
  for entry in
    select c.oid::regclass as name, c.relname, c.relrowsecurity, c.relforcerowsecurity,
           case when c.relname = 'tenants' then 'id' else 'tenant_id' end as tenant_column
    from pg_class c
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
      and (c.relname = 'tenants' or exists (
        select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped))
  loop
    if not entry.relrowsecurity then
      execute format('alter table %s enable row level security', entry.name);
    end if;
    if not entry.relforcerowsecurity then
      execute format('alter table %s force row level security', entry.name);
    end if;

    -- The sub-select makes the planner compute the tenant once per query, not once per row.
    rule := format('%I = (select nullif(current_setting(''app.tenant_id'', true), '''')::uuid)', entry.tenant_column);
    if not exists (select from pg_policy where polrelid = entry.name::oid and polname = 'tenant_select') then
      execute format('create policy tenant_select on %s for select to parley_app using (%s)', entry.name, rule);
    end if;
    if not exists (select from pg_policy where polrelid = entry.name::oid and polname = 'tenant_insert') then
      execute format('create policy tenant_insert on %s for insert to parley_app with check (%s)', entry.name, rule);
    end if;
    if not exists (select from pg_policy where polrelid = entry.name::oid and polname = 'tenant_update') then
      execute format('create policy tenant_update on %s for update to parley_app using (%s) with check (%s)',
                     entry.name, rule, rule);
    end if;
    if not exists (select from pg_policy where polrelid = entry.name::oid and polname = 'tenant_delete') then
      execute format('create policy tenant_delete on %s for delete to parley_app using (%s)', entry.name, rule);
    end if;

    -- The audit trail is append-only for the serving role, and a tenant is closed, never deleted, by it.
    if not has_table_privilege('parley_app', entry.name, 'select') then
      execute format('grant select, insert on %s to parley_app', entry.name);
      if entry.relname <> 'audit_logs' then
        execute format('grant update on %s to parley_app', entry.name);
      end if;
      if entry.relname not in ('audit_logs', 'tenants') then
        execute format('grant delete on %s to parley_app', entry.name);
      end if;
    end if;
  end loop;
end $$;

do $$
begin
  if not has_table_privilege('parley_identity', 'users', 'select') then
    grant usage on schema public to parley_app, parley_identity, parley_platform;

    -- A person's own tables. The role that serves tenants cannot read a password hash or a session at all.
    grant select, insert, update, delete
      on users, auth_sessions, accounts, verifications, two_factors, trusted_devices to parley_identity;

    -- Signing in shows a person the tenants they belong to, and nothing else of them.
    grant select on members, tenants, role_assignments, custom_roles to parley_identity;
    create policy own_memberships on members for select to parley_identity
      using (user_id = (select nullif(current_setting('app.user_id', true), '')::uuid));
    create policy own_tenants on tenants for select to parley_identity
      using (exists (select from members m where m.tenant_id = tenants.id and m.user_id = (select nullif(current_setting('app.user_id', true), '')::uuid)));
    create policy own_assignments on role_assignments for select to parley_identity
      using (exists (select from members m where m.tenant_id = role_assignments.tenant_id
                     and m.id = role_assignments.member_id and m.user_id = (select nullif(current_setting('app.user_id', true), '')::uuid)));
    create policy own_roles on custom_roles for select to parley_identity
      using (exists (select from role_assignments a where a.tenant_id = custom_roles.tenant_id
                     and a.role_id = custom_roles.id));

    -- Inside a tenant, only the public face of its members is visible.
    alter table users enable row level security;
    alter table users force row level security;
    grant select (id, email, name, username, image, email_verified, two_factor_enabled, last_login_at, created_at)
      on users to parley_app;
    create policy everyone_for_identity on users to parley_identity using (true) with check (true);
    create policy fellow_members on users for select to parley_app
      using (exists (select from members m where m.user_id = users.id
                     and m.tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)));

    grant select on tenants to parley_platform;
    create policy platform_list on tenants for select to parley_platform using (true);
  end if;
end $$;

-- What came later to a person's own tables. Each with a condition of its own: a database that has the former lacks the latter.
do $$
begin
  if not has_table_privilege('parley_identity', 'spent_codes', 'select') then
    grant select, insert, update, delete on founding_keys, spent_codes to parley_identity;
  end if;

  -- The trail of accounts is append-only, and a person reads their own. Not forced: what a deleted account takes with it is deleted, and
  -- recorded, in the name of the tables' owner.
  if not has_table_privilege('parley_identity', 'security_events', 'select') then
    alter table security_events enable row level security;
    grant select, insert on security_events to parley_identity;
    create policy anybodys_event on security_events for insert to parley_identity with check (true);
    create policy own_events on security_events for select to parley_identity
      using (user_id = (select nullif(current_setting('app.user_id', true), '')::uuid));
  end if;
end $$;

-- Starting points for agents belong to no tenant; everybody reads them. Which conversations are due is looked for across tenants (L8), by a
-- role that learns of nothing but their ids.
do $$
begin
  if not has_table_privilege('parley_app', 'agent_templates', 'select') then
    grant select on agent_templates to parley_app;
    grant select (tenant_id, id, owner, epoch, agent_id, asked_seq, answered_seq) on conversations to parley_platform;
    create policy due_answers on conversations for select to parley_platform
      using (owner = 'ai' and agent_id is not null and asked_seq > answered_seq);
    grant select (tenant_id, conversation_id, state, lease_until) on agent_runs to parley_platform;
    create policy live_leases on agent_runs for select to parley_platform using (state = 'running');
  end if;
  -- What is archived is nobody's to answer.
  if not has_column_privilege('parley_platform', 'conversations', 'status', 'select') then
    grant select (status) on conversations to parley_platform;
  end if;
end $$;

-- A policy lets no index be used by a function that might tell of rows before the policy has looked at them. Comparing a text's words with a
-- question tells nothing, but only a superuser may say so; without it, searching by words looks at every chunk of the tenant (OPERATIONS.md).
do $$
begin
  if (select rolsuper from pg_roles where rolname = current_user)
    and not (select proleakproof from pg_proc where oid = 'ts_match_vq(tsvector, tsquery)'::regprocedure) then
    alter function ts_match_vq(tsvector, tsquery) leakproof;
  end if;
end $$;
