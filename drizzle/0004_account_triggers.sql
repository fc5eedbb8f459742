-- The trail of people's accounts. The accounts library owns the statements that change them, so the entries are written by triggers:
-- in the same transaction, whatever statement it was. They run with the rights of whoever changes (no SECURITY DEFINER).

-- A UUIDv7 as the program makes them, with the fraction of the millisecond in front of the random bits (RFC 9562, 6.2, method 3).
-- Within a transaction each is beyond the one before, also where the clock is coarse: what happened keeps its order.
create function event_id() returns uuid language plpgsql volatile as $$
declare
  tick bigint := (extract(epoch from clock_timestamp()) * 1000 * 4096)::bigint;
  bytes bytea := uuid_send(gen_random_uuid());
begin
  tick := greatest(tick, coalesce(nullif(current_setting('app.last_event', true), '')::bigint, 0) + 1);
  perform set_config('app.last_event', tick::text, true);
  bytes := overlay(bytes placing substring(int8send(tick / 4096) from 3) from 1 for 6);
  bytes := overlay(bytes placing substring(int4send((28672 + tick % 4096)::int) from 3) from 7 for 2);
  return encode(bytes, 'hex')::uuid;
end $$;
--> statement-breakpoint

-- Where the request came from is a setting of the transaction (src/db/session.ts); outside of a request it is empty.
create function request_origin() returns jsonb language sql stable as $$
  select coalesce(nullif(current_setting('app.origin', true), '')::jsonb, '{}')
$$;
--> statement-breakpoint

create function record_security_event(person uuid, what text, before jsonb, after jsonb) returns void language sql volatile as $$
  insert into security_events (id, user_id, action, old_values, new_values, ip_address, user_agent)
  values (event_id(), person, what, before, after,
          nullif(request_origin() ->> 'ipAddress', ''), nullif(request_origin() ->> 'userAgent', ''))
$$;
--> statement-breakpoint

-- Not recorded: that somebody signed in last (their session is), and the time of the change.
create function trail_of_users() returns trigger language plpgsql as $$
declare
  plain constant text[] := array['email', 'name', 'username', 'image', 'email_verified', 'platform_role', 'two_factor_enabled', 'settings'];
  names constant jsonb := '{"email": "email.changed", "email_verified": "email.verified", "platform_role": "platform_role.changed",
    "two_factor_enabled": "second_factor.enabled"}';
  field text;
  action text;
  old_row jsonb;
  new_row jsonb;
begin
  if tg_op = 'INSERT' then
    perform record_security_event(new.id, 'account.created', null, jsonb_build_object('email', new.email, 'name', new.name,
      'email_verified', new.email_verified, 'platform_role', new.platform_role));
    return null;
  end if;
  if tg_op = 'DELETE' then
    perform record_security_event(old.id, 'account.deleted', jsonb_build_object('email', old.email, 'name', old.name,
      'email_verified', old.email_verified, 'platform_role', old.platform_role), null);
    return null;
  end if;
  old_row := to_jsonb(old);
  new_row := to_jsonb(new);
  foreach field in array plain loop
    continue when old_row -> field = new_row -> field;
    action := coalesce(names ->> field, 'profile.changed');
    if field = 'two_factor_enabled' and not new.two_factor_enabled then action := 'second_factor.disabled'; end if;
    if field = 'email_verified' and not new.email_verified then action := 'email.unverified'; end if;
    perform record_security_event(new.id, action, jsonb_build_object(field, old_row -> field), jsonb_build_object(field, new_row -> field));
  end loop;
  return null;
end $$;
--> statement-breakpoint

-- A way to sign in: the password, or an account at a provider. Tokens of a provider that are renewed are no change of the person's.
create function trail_of_accounts() returns trigger language plpgsql as $$
declare
  was jsonb;
  is_now jsonb;
begin
  if tg_op <> 'INSERT' then
    was := jsonb_build_object('provider', old.provider_id)
      || case when old.provider_id = 'credential' then '{}' else jsonb_build_object('provider_account', old.account_id) end;
  end if;
  if tg_op <> 'DELETE' then
    is_now := jsonb_build_object('provider', new.provider_id)
      || case when new.provider_id = 'credential' then '{}' else jsonb_build_object('provider_account', new.account_id) end;
  end if;
  if tg_op = 'INSERT' then
    perform record_security_event(new.user_id, case when new.provider_id = 'credential' then 'password.set' else 'provider.linked' end,
      null, is_now);
  elsif tg_op = 'DELETE' then
    perform record_security_event(old.user_id, case when old.provider_id = 'credential' then 'password.removed' else 'provider.unlinked' end,
      was, null);
  else
    if old.user_id <> new.user_id then
      perform record_security_event(old.user_id, 'provider.unlinked', was, null);
    end if;
    if (old.user_id, was) is distinct from (new.user_id, is_now) then
      perform record_security_event(new.user_id, 'provider.linked', was, is_now);
    end if;
    if old.password is distinct from new.password then
      perform record_security_event(new.user_id,
        case when request_origin() ->> 'endpoint' = '/reset-password' then 'password.reset' else 'password.changed' end,
        jsonb_build_object('password', case when old.password is null then 'none' else 'secret' end),
        jsonb_build_object('password', case when new.password is null then 'none' else 'changed' end));
    end if;
  end if;
  return null;
end $$;
--> statement-breakpoint

-- Begun and ended sessions; that one slides on is not recorded.
create function trail_of_sessions() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    perform record_security_event(new.user_id, 'session.started', null, jsonb_build_object('session', new.id,
      'ip_address', nullif(new.ip_address, ''), 'user_agent', nullif(new.user_agent, '')));
  elsif tg_op = 'DELETE' then
    perform record_security_event(old.user_id, case
        when old.expires_at <= now() then 'session.expired'
        -- The library takes back at once the session of whoever still owes the second factor.
        when request_origin() ->> 'endpoint' = '/sign-in/email' then 'second_factor.asked'
        else 'session.ended' end,
      jsonb_build_object('session', old.id, 'started', old.created_at), null);
  elsif old.token is distinct from new.token or old.user_id <> new.user_id then
    perform record_security_event(new.user_id, 'session.changed',
      jsonb_build_object('session', old.id, 'user', old.user_id, 'token', 'secret'),
      jsonb_build_object('session', new.id, 'user', new.user_id, 'token', case when old.token = new.token then 'secret' else 'changed' end));
  end if;
  return null;
end $$;
--> statement-breakpoint

-- Single wrong codes are not recorded, the lock that they lead to is.
create function trail_of_second_factors() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    perform record_security_event(new.user_id, 'second_factor.begun', null, jsonb_build_object('verified', new.verified));
    return null;
  elsif tg_op = 'DELETE' then
    perform record_security_event(old.user_id, 'second_factor.removed', jsonb_build_object('verified', old.verified), null);
    return null;
  end if;
  if old.secret is distinct from new.secret then
    perform record_security_event(new.user_id, 'second_factor.renewed', '{"secret": "secret"}', '{"secret": "changed"}');
  end if;
  if old.backup_codes is distinct from new.backup_codes then
    perform record_security_event(new.user_id,
      case when request_origin() ->> 'endpoint' = '/two-factor/verify-backup-code' then 'backup_code.used' else 'backup_codes.renewed' end,
      '{"backup_codes": "secret"}', '{"backup_codes": "changed"}');
  end if;
  if old.verified is distinct from new.verified then
    perform record_security_event(new.user_id, 'second_factor.verified',
      jsonb_build_object('verified', old.verified), jsonb_build_object('verified', new.verified));
  end if;
  if old.locked_until is distinct from new.locked_until and new.locked_until > now() then
    perform record_security_event(new.user_id, 'second_factor.locked',
      jsonb_build_object('locked_until', old.locked_until), jsonb_build_object('locked_until', new.locked_until));
  end if;
  return null;
end $$;
--> statement-breakpoint

-- Before the triggers and not only in protect.sql, which comes after the migrations: running nodes go on meanwhile.
grant insert on security_events to parley_identity;
--> statement-breakpoint
create trigger users_trail after insert or update or delete on users for each row execute function trail_of_users();
--> statement-breakpoint
create trigger accounts_trail after insert or update or delete on accounts for each row execute function trail_of_accounts();
--> statement-breakpoint
create trigger auth_sessions_trail after insert or update or delete on auth_sessions for each row execute function trail_of_sessions();
--> statement-breakpoint
create trigger two_factors_trail after insert or update or delete on two_factors for each row execute function trail_of_second_factors();
--> statement-breakpoint

create trigger security_events_append_only before update or delete on security_events
  for each row execute function forbid_change();
--> statement-breakpoint
create trigger security_events_never_emptied before truncate on security_events
  for each statement execute function forbid_change();
