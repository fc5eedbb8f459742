import type { Queryable } from './isolation.ts'
import { isTenantTable } from './tenantRows.ts'

/**
 * What S2 demands of every table, read from the catalogue of a database. Each check lists faults; none is the only good answer.
 * Whatever is allowed beside the rule is named here, so that something new is a fault until somebody decides about it.
 */

export const servingRoles = ['parley_app', 'parley_identity', 'parley_platform', 'parley_jobs'] as const

/** Tables that belong to a person or to the installation. Any other table without tenant_id has lost it. */
export const globalTables = [
  'users',
  'auth_sessions',
  'accounts',
  'verifications',
  'two_factors',
  'trusted_devices',
  'founding_keys',
  'spent_codes',
] as const

/** The same for everybody: every tenant reads it and none changes it. */
const sharedTables = ['agent_templates']

/** The trail of people's accounts: it belongs to no tenant, and is only added to. */
export const trail = 'security_events'

/** Policies beside the four of every tenant table. */
const furtherPolicies = [
  'custom_roles.own_roles to parley_identity',
  'members.own_memberships to parley_identity',
  'role_assignments.own_assignments to parley_identity',
  'tenants.own_tenants to parley_identity',
  'security_events.anybodys_event to parley_identity',
  'security_events.own_events to parley_identity',
  'tenants.platform_list to parley_platform',
  'conversations.due_answers to parley_platform',
  'agent_runs.live_leases to parley_platform',
  'users.everyone_for_identity to parley_identity',
  'users.fellow_members to parley_app',
]

/** Names of others, which are not ids of ours. */
const foreignIds = [
  'accounts.account_id',
  'accounts.provider_id',
  'audit_logs.request_id',
  'audit_logs.resource_id',
  'contacts.external_id',
  'conversations.channel_conversation_id',
  'messages.client_id',
  'sso_providers.provider_id',
  'tenants.stripe_customer_id',
]

/** References without a key: to one of several tables, as the kind beside them says; or kept beyond what they name. */
const keylessReferences = [
  'agent_runs.node',
  'audit_logs.actor_id',
  'audit_logs.user_id',
  'budget_reservations.run_id',
  'conversations.speaker_id',
  'cost_events.agent_id',
  'cost_events.conversation_id',
  'cost_events.run_id',
  'cost_events.source_id',
  'files.uploader_id',
  'join_tickets.guest_id',
  'join_tickets.issued_by',
  'messages.sender_id',
  'reactions.actor_id',
  'read_marks.reader_id',
  'retrievals.agent_id',
  'retrievals.chosen',
  'retrievals.conversation_id',
  'retrievals.run_id',
  'transcript_mails.contact_id',
]

/** All that is known across tenants of the answers that are due. */
const dueColumns = [
  ...['tenant_id', 'id', 'owner', 'epoch', 'agent_id', 'asked_seq', 'answered_seq', 'status'].map(
    column => `conversations.${column}`,
  ),
  ...['tenant_id', 'conversation_id', 'state', 'lease_until'].map(column => `agent_runs.${column}`),
]

const usersColumnsForTenants = [
  'id',
  'email',
  'name',
  'username',
  'image',
  'email_verified',
  'two_factor_enabled',
  'last_login_at',
  'created_at',
]

interface Check {
  readonly name: string
  /** Yields one column `fault`. $1 is the list that `about` gives. */
  readonly sql: string
  readonly about?: (roles: readonly string[]) => readonly string[]
}

const tenantTables = `tenant_tables as (
  select c.oid, c.relname as name, c.relrowsecurity, c.relforcerowsecurity, c.relkind,
    case when c.relname = 'tenants' then 'id' else 'tenant_id' end as tenant_column
  from pg_class c where ${isTenantTable})`

/** The one form of the rule, as the server prints it back. */
const rule = `format('(%I = ( SELECT (NULLIF(current_setting(''app.tenant_id''::text, true), ''''::text))::uuid AS "nullif"))', tenant_column)`

const columnNames = (table: string, numbers: string) =>
  `coalesce((select array_agg(a.attname::text order by k.at) from unnest(${numbers}) with ordinality k(num, at)
    left join pg_attribute a on a.attrelid = ${table} and a.attnum = k.num), '{}')`

const checks: readonly Check[] = [
  {
    name: 'row security',
    sql: `with ${tenantTables}
      select name || ': row security is not enabled' as fault from tenant_tables where not relrowsecurity
      union all select name || ': row security is not forced' from tenant_tables where not relforcerowsecurity
      union all select 'users: row security is not enabled and forced' from pg_class
        where oid = 'users'::regclass and not (relrowsecurity and relforcerowsecurity)
      union all select 'security_events: row security is not enabled' from pg_class
        where oid = 'security_events'::regclass and not relrowsecurity`,
  },
  {
    name: 'policies',
    about: () => furtherPolicies,
    sql: `with ${tenantTables},
      wanted as (select t.*, w.command, w.policy, w.reads, w.writes from tenant_tables t cross join (values
        ('r', 'tenant_select', true, false), ('a', 'tenant_insert', false, true),
        ('w', 'tenant_update', true, true), ('d', 'tenant_delete', true, false)) w(command, policy, reads, writes)),
      present as (select p.*, c.relname as name, (select string_agg(case when r = 0 then 'PUBLIC' else r::regrole::text end, ', ')
          from unnest(p.polroles) r) as roles
        from pg_policy p join pg_class c on c.oid = p.polrelid where c.relnamespace = 'public'::regnamespace)
      select w.name || ': the policy ' || w.policy || ' is missing or not as it must be' as fault
      from wanted w left join present p on p.polrelid = w.oid and p.polname = w.policy
      where p.oid is null or p.polcmd::text <> w.command or not p.polpermissive or p.roles <> 'parley_app'
        or (w.reads and pg_get_expr(p.polqual, w.oid) is distinct from ${rule})
        or (not w.reads and p.polqual is not null)
        or (w.writes and pg_get_expr(p.polwithcheck, w.oid) is distinct from ${rule})
      union all
      select p.name || ': the policy ' || p.polname || ' to ' || p.roles || ' is one too many' from present p
      where not exists (select from wanted w where w.oid = p.polrelid and w.policy = p.polname)
        and p.name || '.' || p.polname || ' to ' || p.roles <> all ($1::text[])`,
  },
  {
    name: 'the tenant column',
    sql: `with ${tenantTables}
      select t.name || ': ' || t.tenant_column || ' is not a uuid that is always there' as fault
      from tenant_tables t join pg_attribute a on a.attrelid = t.oid and a.attname = t.tenant_column
      where a.atttypid <> 'uuid'::regtype or not a.attnotnull
      union all
      select t.name || ': tenant_id does not refer to tenants' from tenant_tables t
      where t.name <> 'tenants' and not exists (select from pg_constraint f
        where f.conrelid = t.oid and f.contype = 'f' and f.confrelid = 'tenants'::regclass and f.convalidated
          and ${columnNames('f.conrelid', 'f.conkey')} = array['tenant_id'])`,
  },
  {
    name: 'keys',
    sql: `with ${tenantTables}
      select t.name || ': the unique index ' || i.indexrelid::regclass || ' does not lead with tenant_id' as fault
      from tenant_tables t join pg_index i on i.indrelid = t.oid
      where i.indisunique and t.name <> 'tenants'
        and coalesce((${columnNames('t.oid', 'i.indkey::int2[]')})[1], '') <> 'tenant_id'
      union all
      select t.name || ': an exclusion constraint without tenant_id: ' || k.conname from tenant_tables t
      join pg_constraint k on k.conrelid = t.oid and k.contype = 'x'
      where not 'tenant_id' = any (${columnNames('t.oid', 'k.conkey')})
      union all
      select t.name || ': no primary key' from tenant_tables t
      where not exists (select from pg_index i where i.indrelid = t.oid and i.indisprimary)`,
  },
  {
    name: 'foreign keys',
    sql: `with ${tenantTables},
      keys as (select f.*, s.name as source, f.confrelid::regclass::text as target,
          case when t.name = 'tenants' then 'id' else 'tenant_id' end as target_tenant,
          ${columnNames('f.conrelid', 'f.conkey')} as columns, ${columnNames('f.confrelid', 'f.confkey')} as target_columns,
          ${columnNames('f.conrelid', 'f.confdelsetcols')} as cleared
        from pg_constraint f join tenant_tables t on t.oid = f.confrelid
        left join tenant_tables s on s.oid = f.conrelid where f.contype = 'f')
      select coalesce(source, conrelid::regclass::text) || ': the foreign key ' || conname || ' does not carry the tenant' as fault from keys
      where source is null or not exists (select from generate_subscripts(columns, 1) at
        where columns[at] = 'tenant_id' and target_columns[at] = target_tenant)
      union all
      select source || ': the foreign key ' || conname || ' would clear tenant_id' from keys
      where confupdtype in ('n', 'd') or (confdeltype in ('n', 'd') and (cleared = '{}' or 'tenant_id' = any (cleared)))
      union all select source || ': the foreign key ' || conname || ' is not validated' from keys where not convalidated`,
  },
  {
    name: 'references without a key',
    about: () => keylessReferences,
    // Some name a table that is yet to come; from then on they need their key.
    sql: `with ${tenantTables}
      select t.name || '.' || a.attname || ': a reference without a foreign key' as fault
      from tenant_tables t join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
      where a.atttypid in ('uuid'::regtype, 'uuid[]'::regtype) and a.attname not in ('id', 'tenant_id')
        and t.name || '.' || a.attname <> all ($1::text[])
        and not (a.attname = 'meeting_id' and to_regclass('public.meetings') is null)
        and not exists (select from pg_constraint f where f.conrelid = t.oid and f.contype = 'f' and a.attnum = any (f.conkey))`,
  },
  {
    name: 'views, rules and functions',
    sql: `select c.relname || ': a view without security_invoker' as fault from pg_class c
      where c.relnamespace = 'public'::regnamespace and c.relkind = 'v'
        and not coalesce((select option_value::boolean from pg_options_to_table(c.reloptions) where option_name = 'security_invoker'), false)
      union all
      select relname || ': a materialized view or foreign table, which no policy can guard' from pg_class
      where relnamespace = 'public'::regnamespace and relkind in ('m', 'f')
      union all
      select c.relname || ': the rule ' || r.rulename || ' acts as the owner' from pg_rewrite r join pg_class c on c.oid = r.ev_class
      where c.relnamespace = 'public'::regnamespace and r.rulename <> '_RETURN'
      union all
      select p.oid::regprocedure || ': a function with SECURITY DEFINER' from pg_proc p join pg_namespace n on n.oid = p.pronamespace
      where p.prosecdef and n.nspname not in ('pg_catalog', 'information_schema')`,
  },
  {
    name: 'serving roles',
    about: roles => roles,
    sql: `select w.name || ': the role is missing, or may more than serve' as fault
      from unnest($1::text[]) w(name) left join pg_roles r on r.rolname = w.name
      where r.oid is null or r.rolsuper or r.rolbypassrls or r.rolcreaterole or r.rolcreatedb or r.rolreplication
        or r.rolcanlogin or r.rolinherit
      union all
      select r.rolname || ': is a member of ' || m.roleid::regrole from pg_auth_members m join pg_roles r on r.oid = m.member
      where r.rolname = any ($1::text[])
      union all
      select r.rolname || ': owns ' || c.oid::regclass from pg_class c join pg_roles r on r.oid = c.relowner
      where r.rolname = any ($1::text[])
      union all
      select r.rolname || ': owns the function ' || p.oid::regprocedure from pg_proc p join pg_roles r on r.oid = p.proowner
      where r.rolname = any ($1::text[])
      union all
      select r.rolname || ': owns or may create in the schema ' || n.nspname from pg_namespace n cross join pg_roles r
      where r.rolname = any ($1::text[]) and n.nspname !~ '^pg_' and has_schema_privilege(r.oid, n.oid, 'create')`,
  },
  {
    name: 'grants',
    about: () => [
      ...globalTables.flatMap(table =>
        ['SELECT', 'INSERT', 'UPDATE', 'DELETE'].map(right => `parley_identity ${right} ${table}`),
      ),
      ...['custom_roles', 'members', 'role_assignments', 'tenants'].map(
        table => `parley_identity SELECT ${table}`,
      ),
      ...['SELECT', 'INSERT'].map(right => `parley_identity ${right} ${trail}`),
      'parley_platform SELECT tenants',
      ...sharedTables.map(table => `parley_app SELECT ${table}`),
      ...dueColumns.map(column => `parley_platform SELECT ${column}`),
      ...usersColumnsForTenants.map(column => `parley_app SELECT users.${column}`),
    ],
    sql: `with ${tenantTables},
      wanted(entry) as (
        select 'parley_app ' || w.command || ' ' || t.name from tenant_tables t
        cross join unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE']) w(command)
        where not (t.name = 'audit_logs' and w.command in ('UPDATE', 'DELETE')) and not (t.name = 'tenants' and w.command = 'DELETE')
        union all select unnest($1::text[])),
      acl as (
        select c.relname::text as thing, c.relowner as owner, x.* from pg_class c, aclexplode(c.relacl) x
        where c.relnamespace = 'public'::regnamespace and c.relkind <> 'i'
        union all
        select c.relname || '.' || a.attname, c.relowner, x.* from pg_attribute a join pg_class c on c.oid = a.attrelid, aclexplode(a.attacl) x
        where c.relnamespace = 'public'::regnamespace),
      present as (select case when grantee = 0 then 'PUBLIC' else grantee::regrole::text end
          || ' ' || privilege_type || ' ' || thing || case when is_grantable then ' with grant option' else '' end as entry
        from acl where grantee <> owner)
      select entry || ': granted, and must not be' as fault from present where entry not in (select entry from wanted)
      union all select entry || ': not granted' from wanted where entry not in (select entry from present)`,
  },
  {
    name: 'columns and tables',
    about: () => [...globalTables, ...sharedTables, trail, ...foreignIds],
    sql: `select c.relname || '.' || a.attname || ': ' || format_type(a.atttypid, null) || ' has no time zone' as fault
      from pg_attribute a join pg_class c on c.oid = a.attrelid
      where c.relnamespace = 'public'::regnamespace and a.attnum > 0 and not a.attisdropped
        and a.atttypid = any (array['timestamp', 'timestamp[]', 'time', 'date']::regtype[])
      union all
      select c.relname || '.' || a.attname || ': is ' || format_type(a.atttypid, null) || ', not uuid'
      from pg_attribute a join pg_class c on c.oid = a.attrelid
      where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and a.attnum > 0 and not a.attisdropped
        and a.attname ~ '(^|_)id$' and a.atttypid <> 'uuid'::regtype and c.relname || '.' || a.attname <> all ($1::text[])
      union all
      select c.relname || ': has no tenant_id and is not known to be global' from pg_class c
      where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not (${isTenantTable})
        and c.relname <> all ($1::text[])`,
  },
  {
    name: 'the trails',
    sql: `select trail || ': nothing forbids its owner to ' || w.what as fault
      from unnest(array['audit_logs', 'security_events']) trail, (values ('update', 16), ('delete', 8), ('truncate', 32)) w(what, bit)
      where not exists (select from pg_trigger t where t.tgrelid = trail::regclass and t.tgenabled in ('O', 'A')
        and t.tgfoid = 'forbid_change()'::regprocedure and t.tgtype & w.bit > 0 and t.tgtype & 2 > 0 and t.tgqual is null)
      union all
      select c.relname || ': a change leaves no trace' from pg_class c
      where c.oid in ('users'::regclass, 'accounts'::regclass, 'auth_sessions'::regclass, 'two_factors'::regclass)
        -- After each row, on insert, delete and update, without a condition.
        and not exists (select from pg_trigger t where t.tgrelid = c.oid and t.tgenabled in ('O', 'A') and t.tgname = c.relname || '_trail'
          and t.tgtype = 1 | 4 | 8 | 16 and t.tgqual is null and t.tgattr = '')
      union all
      select conrelid::regclass || ': the foreign key ' || conname || ' would change entries' from pg_constraint
      where conrelid in ('audit_logs'::regclass, 'security_events'::regclass)
        and contype = 'f' and (confdeltype not in ('a', 'r') or confupdtype not in ('a', 'r'))`,
  },
]

/** Everything that is wrong with a database; `roles` are those it is served by. */
export async function catalogueFaults(
  database: Queryable,
  roles: readonly string[] = servingRoles,
): Promise<string[]> {
  const faults: string[] = []
  for (const check of checks) {
    const values = check.about ? [check.about(roles)] : []
    const { rows } = await database.query<{ fault: string | null }>(check.sql, values)
    faults.push(...rows.map(({ fault }) => fault ?? `${check.name}: a fault without words`))
  }
  return faults.sort()
}
