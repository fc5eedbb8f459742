import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newId } from '../../src/kernel/index.ts'
import { catalogueFaults, servingRoles } from '../support/catalogue.ts'
import { databaseKinds } from '../support/databases.ts'
import { type OpenDatabase, openDatabase, undone } from '../support/isolation.ts'
import { tenantTables } from '../support/tenantRows.ts'

/** What somebody could do to the tables one day, and what the walk must say then. `$role` is a fresh role. */
const plants: readonly (readonly [name: string, sql: string, fault: RegExp])[] = [
  [
    'a tenant table that protect.sql never saw',
    'create table planted (tenant_id uuid not null references tenants, id uuid, primary key (tenant_id, id))',
    /planted: row security is not enabled[\s\S]*planted: the policy tenant_delete is missing/,
  ],
  [
    'row security switched off',
    'alter table contacts disable row level security',
    /contacts: .* not enabled/,
  ],
  [
    'row security not forced',
    'alter table contacts no force row level security',
    /contacts: .* is not forced/,
  ],
  ['users without row security', 'alter table users disable row level security', /^users: row security/m],
  [
    'a missing policy',
    'drop policy tenant_update on widgets',
    /widgets: the policy tenant_update is missing or not/,
  ],
  [
    'a policy that compares with nothing',
    'alter policy tenant_select on widgets using (true)',
    /widgets: the policy tenant_select is missing or not/,
  ],
  [
    'a policy that lets rows of others be written',
    'alter policy tenant_update on messages with check (true)',
    /messages: the policy tenant_update is missing or not/,
  ],
  [
    'a policy that fails without a tenant instead of hiding',
    `alter policy tenant_select on files using (tenant_id = (select current_setting('app.tenant_id')::uuid))`,
    /files: the policy tenant_select is missing or not/,
  ],
  [
    'a policy for everybody',
    'alter policy tenant_select on files to public',
    /files: the policy tenant_select is missing or not/,
  ],
  [
    'one more policy',
    'create policy open_door on files for select to parley_app using (true)',
    /files: the policy open_door to parley_app is one too many/,
  ],
  [
    'a primary key without the tenant',
    'create table planted (id uuid primary key, tenant_id uuid not null references tenants)',
    /planted: the unique index planted_pkey does not lead with tenant_id/,
  ],
  [
    'a unique index across tenants',
    'create unique index planted on contacts (email)',
    /contacts: the unique index planted does not lead/,
  ],
  [
    'a unique index on an expression',
    'create unique index planted on contacts (lower(email), tenant_id)',
    /contacts: the unique index planted does not lead/,
  ],
  [
    'a tenant table without a key',
    'create table planted (tenant_id uuid not null references tenants)',
    /planted: no primary key/,
  ],
  [
    'a tenant that may be missing',
    'alter table read_marks drop constraint read_marks_tenant_id_conversation_id_reader_kind_reader_id_pk, alter column tenant_id drop not null',
    /read_marks: tenant_id is not a uuid that is always there/,
  ],
  [
    'a tenant that need not exist',
    'alter table contacts drop constraint contacts_tenant_id_tenants_id_fk',
    /contacts: tenant_id does not refer to tenants/,
  ],
  [
    'a foreign key without the tenant',
    `alter table contacts add unique (id);
     alter table widgets add planted_id uuid constraint planted references contacts (id)`,
    /widgets: the foreign key planted does not carry the tenant/,
  ],
  [
    'a foreign key with the tenant in the wrong place',
    'alter table widgets add owner_tenant uuid, add constraint planted foreign key (owner_tenant, agent_id) references contacts (tenant_id, id)',
    /widgets: the foreign key planted does not carry the tenant/,
  ],
  [
    'a global table that refers into a tenant',
    'alter table users add tenant uuid constraint planted references tenants',
    /users: the foreign key planted does not carry the tenant/,
  ],
  [
    'a foreign key that clears the tenant',
    'alter table widgets add constraint planted foreign key (tenant_id, agent_id) references contacts (tenant_id, id) on delete set null',
    /widgets: the foreign key planted would clear tenant_id/,
  ],
  [
    'a reference that lost its key',
    'alter table reactions drop constraint reactions_message',
    /reactions\.message_id: a reference without a foreign key/,
  ],
  [
    'a reference whose table has come',
    'create table meetings (id uuid primary key)',
    /conversations\.meeting_id: a reference without/,
  ],
  ['a view', 'create view planted as select * from contacts', /planted: a view without security_invoker/],
  [
    'a view with it switched off',
    'create view planted with (security_invoker = false) as select * from contacts',
    /planted: a view without security_invoker/,
  ],
  [
    'a materialized view',
    'create materialized view planted as select * from contacts',
    /planted: a materialized view/,
  ],
  [
    'a rule',
    'create rule planted as on insert to contacts do also delete from widgets',
    /contacts: the rule planted acts as the owner/,
  ],
  [
    'a SECURITY DEFINER function',
    'create function planted() returns bigint language sql security definer as $$ select count(*) from contacts $$',
    /planted\(\): a function with SECURITY DEFINER/,
  ],
  ['a serving role that owns a table', 'alter table files owner to $role', /\$role: owns files/],
  ['a serving role that is superuser', 'alter role $role superuser', /\$role: the role is missing, or may/],
  ['a serving role with BYPASSRLS', 'alter role $role bypassrls', /\$role: the role is missing, or may/],
  ['a serving role that makes roles', 'alter role $role createrole', /\$role: the role is missing, or may/],
  ['a serving role that logs in', 'alter role $role login', /\$role: the role is missing, or may/],
  ['a serving role within another', 'grant pg_read_all_data to $role', /\$role: is a member of pg_read_all_/],
  ['a serving role that is not there', 'drop role $role', /\$role: the role is missing, or may more than/],
  [
    'a serving role that makes tables',
    'grant create on schema public to $role',
    /\$role: owns or may create/,
  ],
  [
    'a grant to everybody',
    'grant select on contacts to public',
    /PUBLIC SELECT contacts: granted, and must not be/,
  ],
  [
    'a column for everybody',
    'grant select (name) on tenants to public',
    /PUBLIC SELECT tenants\.name: granted, and must not be/,
  ],
  [
    'a password in reach',
    'grant select (password) on accounts to parley_app',
    /parley_app SELECT accounts\.password: granted, and must not be/,
  ],
  [
    'audit entries that can be changed',
    'grant update on audit_logs to parley_app',
    /parley_app UPDATE audit_logs/,
  ],
  [
    'audit entries that can go',
    'grant delete, truncate on audit_logs to parley_app',
    /DELETE[\s\S]*TRUNCATE audit_logs/,
  ],
  ['a right that is lost', 'revoke update on contacts from parley_app', /UPDATE contacts: not granted/],
  [
    'a time without zone',
    'alter table files add planted timestamp',
    /files\.planted: timestamp without time zone/,
  ],
  ['an id that is no uuid', 'alter table files add planted_id text', /files\.planted_id: is text, not uuid/],
  [
    'a table that forgot its tenant',
    'create table planted (id uuid primary key)',
    /planted: has no tenant_id and is not known to be global/,
  ],
  [
    'an audit trail that its owner can change',
    'drop trigger audit_logs_append_only on audit_logs',
    /forbids its owner to delete[\s\S]*forbids its owner to update/,
  ],
  [
    'an audit trail whose trigger sleeps',
    'alter table audit_logs disable trigger audit_logs_never_emptied',
    /forbids its owner to truncate/,
  ],
  [
    'a trail of accounts that can be changed',
    'grant update on security_events to parley_identity',
    /parley_identity UPDATE security_events: granted, and must not be/,
  ],
  [
    'a trail of accounts that everybody reads',
    'alter table security_events disable row level security',
    /security_events: row security is not enabled/,
  ],
  [
    'a trail of accounts that its owner can change',
    'drop trigger security_events_append_only on security_events',
    /security_events: nothing forbids its owner to delete[\s\S]*forbids its owner to update/,
  ],
  [
    'an account that changes without a trace',
    'alter table accounts disable trigger accounts_trail',
    /accounts: a change leaves no trace/,
  ],
]

describe.each(databaseKinds)('S2 the catalogue on %s', kind => {
  let database: OpenDatabase
  beforeAll(async () => {
    database = await openDatabase(kind, 1)
  })
  afterAll(() => database.drop())

  test('S2 every tenant table is protected, keyed and referred to by tenant', async () => {
    const names = (await tenantTables(database.owner)).map(({ name }) => name)
    // The walk must have something to walk over.
    expect(names).toEqual(
      expect.arrayContaining(['audit_logs', 'contacts', 'members', 'messages', 'tenants']),
    )
    expect(await catalogueFaults(database.owner)).toEqual([])
  })

  test.each(plants)('S2 the walk reports %s', async (_name, sql, fault) => {
    const role = `parley_test_${newId().replaceAll('-', '')}`
    const told = await undone(database.owner, async client => {
      await client.query(`create role ${role} nologin noinherit`)
      expect(await catalogueFaults(client, [...servingRoles, role])).toEqual([])
      await client.query(sql.replaceAll('$role', role))
      return catalogueFaults(client, [...servingRoles, role])
    })
    expect(told.join('\n').replaceAll(role, '$role')).toMatch(fault)
    expect(await catalogueFaults(database.owner)).toEqual([])
  })
})
