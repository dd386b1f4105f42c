alter table llm_provider_usage
    -- What changes the price of the call, as name:value.
    add column terms text[] not null default '{}',
    -- The question whose reply is kept for others; null: none is.
    add column cache_key text,
    -- Day and daily totals that the call is counted in.
    add column day date not null default (now() at time zone 'UTC')::date,
    add column daily_scopes text[] not null default '{}',
    -- When the provider was asked what the call had cost, and how often.
    add column reconciled_at timestamptz,
    add column lookups smallint not null default 0,
    add column next_lookup_at timestamptz;
update llm_provider_usage set day = (created_at at time zone 'UTC')::date;
create index llm_provider_usage_lookups on llm_provider_usage (created_at)
    where response_id is not null and reconciled_at is null and (state = 'possibly_billed' or (state in ('settled', 'aborted') and tokens_estimated));

alter table llm_workflow_jobs
    -- Held for calls in flight, for calls whose fate is unknown, and for calls without a known price.
    add column reserved_usd numeric(20,12) not null default 0,
    -- Caps of steps that were raised, by step path; and how often any cap was.
    add column step_budgets jsonb not null default '{}',
    add column budget_raises integer not null default 0;
update llm_workflow_jobs j set reserved_usd = u.held
from (select job_id, sum(reserved_usd) as held from llm_provider_usage where cost_usd is null and reserved_usd is not null group by job_id) u
where j.id = u.job_id;

create table llm_daily_spend (
    day           date not null,
    scope         text not null,
    settled_usd   numeric(20,12) not null,
    reserved_usd  numeric(20,12) not null default 0,
    primary key (day, scope)
);

-- Replies that are kept for others, by question; without a reply: the leader's call is under way.
create table llm_reply_cache (
    key         text primary key check (key ~ '^[0-9a-f]{64}$'),
    leader      uuid not null,
    reply       json,
    filled_at   timestamptz,
    expires_at  timestamptz,
    constraint reply_cache_filled check ((reply is null) = (filled_at is null) and (reply is null) = (expires_at is null))
);
create index llm_reply_cache_expires_at on llm_reply_cache (expires_at) where expires_at is not null;

-- Reserves a call: row, budgets and the question's place in the reply cache, all or nothing. Functions, because each look must see what others wrote
-- while this one waited for a lock. Locks are taken in the same order everywhere: call, job, question, days (by scope), reply.
--   reserved   the call may be made
--   lost       the job is another owner's, or the key is taken
--   cached     the reply is known
--   answering  another call is about to answer the same question
--   unpriced   a budget holds, and the model has no price
--   over       the cap of the scope would be exceeded
--   blocked    it would be while others are in flight
create function llm_reserve_call(
    p_call uuid, p_job uuid, p_owner uuid, p_fence bigint, p_path text, p_ordinal integer, p_purpose text, p_provider text, p_model text, p_hash text,
    p_worst numeric, p_expected numeric, p_step_paths text[], p_step_caps numeric[], p_scopes text[], p_scope_caps numeric[],
    p_cache_key text, p_max_age interval)
returns table (outcome text, scope text, cap numeric, spent numeric, held numeric, raises integer, reply text)
language plpgsql as $$
#variable_conflict use_column
declare
    v_job record;
    v_known record;
    v_today date := (now() at time zone 'UTC')::date;
    v_open numeric;
begin
    select max_cost_usd, total_cost_usd, reserved_usd, step_budgets, budget_raises, workflow_name, user_id into v_job
    from llm_workflow_jobs where id = p_job and lease_owner = p_owner and fence = p_fence and status = 'processing'
    for update;
    raises := v_job.budget_raises;
    if exists (select from llm_provider_usage where id = p_call) then
        outcome := 'reserved';
        return next;
        return;
    elsif v_job.workflow_name is null or exists (select from llm_provider_usage where job_id = p_job and step_path = p_path and ordinal = p_ordinal) then
        outcome := 'lost';
        return next;
        return;
    end if;

    if p_cache_key is not null then
        perform pg_advisory_xact_lock(hashtextextended(p_cache_key, 0));
        select c.reply, c.leader, c.filled_at, c.expires_at into v_known from llm_reply_cache c where c.key = p_cache_key;
        if v_known.reply is not null and v_known.expires_at > now() and v_known.filled_at > now() - p_max_age then
            outcome := 'cached';
            reply := v_known.reply::text;
            return next;
            return;
        elsif v_known.reply is null and exists (select from llm_provider_usage where id = v_known.leader and state = 'reserved') then
            outcome := 'answering';
            return next;
            return;
        end if;
    end if;

    if v_job.max_cost_usd is not null then
        scope := 'job';
        cap := v_job.max_cost_usd;
        spent := v_job.total_cost_usd;
        held := v_job.reserved_usd;
        if p_worst is null then
            outcome := 'unpriced';
        elsif spent + held + p_worst > cap then
            v_open := (select coalesce(sum(reserved_usd), 0) from llm_provider_usage where job_id = p_job and state = 'reserved');
            outcome := case when spent + held - v_open + p_worst <= cap then 'blocked' else 'over' end;
        end if;
        if outcome is not null then
            return next;
            return;
        end if;
    end if;

    for i in 1 .. cardinality(p_step_paths) loop
        scope := 'step:' || p_step_paths[i];
        cap := greatest(p_step_caps[i], (v_job.step_budgets ->> p_step_paths[i])::numeric);
        select coalesce(sum(cost_usd), 0), coalesce(sum(reserved_usd) filter (where cost_usd is null), 0), coalesce(sum(reserved_usd) filter (where state = 'reserved'), 0)
        into spent, held, v_open
        from llm_provider_usage where job_id = p_job and (step_path = p_step_paths[i] or starts_with(step_path, p_step_paths[i] || '/'));
        if p_worst is null then
            outcome := 'unpriced';
        elsif spent + held + p_worst > cap then
            outcome := case when spent + held - v_open + p_worst <= cap then 'blocked' else 'over' end;
        end if;
        if outcome is not null then
            return next;
            return;
        end if;
    end loop;

    for i in 1 .. cardinality(p_scopes) loop
        scope := p_scopes[i];
        cap := p_scope_caps[i];
        continue when cap is null;
        if p_worst is null then
            outcome := 'unpriced';
            return next;
            return;
        end if;
        -- The first call under a cap takes over what the ledger has of the day: from then on each of those calls is counted in it.
        if not exists (select from llm_daily_spend d where d.day = v_today and d.scope = p_scopes[i]) then
            with taken as (
                update llm_provider_usage u set daily_scopes = array_append(u.daily_scopes, p_scopes[i])
                where u.created_at >= v_today::timestamp at time zone 'UTC' and u.day = v_today and not p_scopes[i] = any(u.daily_scopes)
                  and case when starts_with(p_scopes[i], 'user:') then 'user:' || u.user_id else 'workflow:' || u.workflow_name end = p_scopes[i]
                returning u.cost_usd, u.reserved_usd
            )
            insert into llm_daily_spend (day, scope, settled_usd, reserved_usd)
            select v_today, p_scopes[i], coalesce(sum(cost_usd), 0), coalesce(sum(reserved_usd) filter (where cost_usd is null), 0) from taken
            on conflict do nothing;
        end if;
        select d.settled_usd, d.reserved_usd into spent, held from llm_daily_spend d where d.day = v_today and d.scope = p_scopes[i] for update;
        if spent + held + p_worst > cap then
            v_open := (select coalesce(sum(u.reserved_usd), 0) from llm_provider_usage u where u.state = 'reserved' and u.day = v_today and p_scopes[i] = any(u.daily_scopes));
            outcome := case when spent + held - v_open + p_worst <= cap then 'blocked' else 'over' end;
            return next;
            return;
        end if;
    end loop;

    scope := null;
    cap := null;
    spent := null;
    held := null;
    if p_cache_key is not null then
        insert into llm_reply_cache as c (key, leader) values (p_cache_key, p_call)
        on conflict (key) do update set leader = excluded.leader, reply = null, filled_at = null, expires_at = null
        where c.reply is null or c.expires_at <= now() or c.filled_at <= now() - p_max_age;
        if not found then
            outcome := 'answering';
            return next;
            return;
        end if;
    end if;

    -- Totals that exist are kept true also while no cap holds for them.
    update llm_daily_spend d set reserved_usd = d.reserved_usd + coalesce(p_worst, 0) where d.day = v_today and d.scope = any(p_scopes);
    insert into llm_provider_usage (id, job_id, workflow_name, user_id, step_path, ordinal, state, purpose, provider, requested_model, request_hash,
                                    reserved_usd, estimated_usd, owner, fence, cache_key, day, daily_scopes)
    values (p_call, p_job, v_job.workflow_name, v_job.user_id, p_path, p_ordinal, 'reserved', p_purpose, p_provider, p_model, p_hash,
            p_worst, p_expected, p_owner, p_fence, p_cache_key, v_today,
            array(select d.scope from llm_daily_spend d where d.day = v_today and d.scope = any(p_scopes)));
    update llm_workflow_jobs set reserved_usd = reserved_usd + coalesce(p_worst, 0) where id = p_job;
    outcome := 'reserved';
    return next;
end
$$;

-- Records how a call ended, once (possibly_billed: its end is known, its cost is not); or, when p_reconciles, what the provider says of it later, once. Gives the scopes that this call brought over 80 % of
-- their cap. A call without a known price keeps what is held for it.
create function llm_settle_call(
    p_call uuid, p_state text, p_purpose text, p_answered_model text, p_response_id text, p_reply text,
    p_input bigint, p_output bigint, p_cache_read bigint, p_cache_write bigint, p_cache_write_1h bigint, p_reasoning bigint, p_estimated boolean,
    p_terms text[], p_computed numeric, p_reported numeric, p_cost numeric, p_source text, p_error text, p_duration bigint, p_metadata text,
    p_reconciles boolean, p_keep interval, p_step_paths text[], p_step_caps numeric[], p_scopes text[], p_scope_caps numeric[])
returns table (scope text, cap numeric, spent numeric)
language plpgsql as $$
#variable_conflict use_column
declare
    v_call llm_provider_usage;
    v_added numeric := coalesce(p_cost, 0);
    v_tokens bigint := p_input + p_output;
    v_released numeric := 0;
    v_job record;
begin
    select * into v_call from llm_provider_usage where id = p_call for update;
    if v_call.state in ('reserved', 'possibly_billed') then
        v_released := case when p_cost is null then 0 else coalesce(v_call.reserved_usd, 0) end;
    elsif p_reconciles and v_call.reconciled_at is null then
        v_added := v_added - coalesce(v_call.cost_usd, 0);
        v_tokens := v_tokens - v_call.input_tokens - v_call.output_tokens;
        v_released := case when v_call.cost_usd is null and p_cost is not null then coalesce(v_call.reserved_usd, 0) else 0 end;
    else
        return;
    end if;

    update llm_provider_usage set
        state = p_state, purpose = coalesce(p_purpose, purpose), answered_model = coalesce(p_answered_model, answered_model),
        response_id = coalesce(p_response_id, response_id), reply = coalesce(p_reply::json, reply),
        input_tokens = p_input, output_tokens = p_output, cache_read_tokens = p_cache_read, cache_write_tokens = p_cache_write,
        cache_write_1h_tokens = p_cache_write_1h, reasoning_tokens = p_reasoning, tokens_estimated = p_estimated, terms = p_terms,
        computed_usd = p_computed, reported_usd = p_reported, cost_usd = p_cost, cost_source = p_source, error_type = coalesce(p_error, error_type),
        duration_ms = coalesce(p_duration, duration_ms), metadata = coalesce(p_metadata::json, metadata),
        settled_at = case when p_state in ('settled', 'aborted') then coalesce(settled_at, now()) end, reconciled_at = case when p_reconciles then now() else reconciled_at end
    where id = p_call;

    update llm_workflow_jobs set
        total_tokens = total_tokens + v_tokens, total_cost_usd = total_cost_usd + v_added, reserved_usd = greatest(0, reserved_usd - v_released)
    where id = v_call.job_id
    returning max_cost_usd, total_cost_usd, step_budgets into v_job;
    if v_job.total_cost_usd >= v_job.max_cost_usd * 0.8 and v_job.total_cost_usd - v_added < v_job.max_cost_usd * 0.8 then
        scope := 'job';
        cap := v_job.max_cost_usd;
        spent := v_job.total_cost_usd;
        return next;
    end if;

    for i in 1 .. cardinality(p_step_paths) loop
        scope := 'step:' || p_step_paths[i];
        cap := greatest(p_step_caps[i], (v_job.step_budgets ->> p_step_paths[i])::numeric);
        select coalesce(sum(cost_usd), 0) into spent
        from llm_provider_usage where job_id = v_call.job_id and (step_path = p_step_paths[i] or starts_with(step_path, p_step_paths[i] || '/'));
        if spent >= cap * 0.8 and spent - v_added < cap * 0.8 then
            return next;
        end if;
    end loop;

    for i in 1 .. cardinality(v_call.daily_scopes) loop
        scope := v_call.daily_scopes[i];
        update llm_daily_spend d set settled_usd = d.settled_usd + v_added, reserved_usd = greatest(0, d.reserved_usd - v_released)
        where d.day = v_call.day and d.scope = v_call.daily_scopes[i]
        returning d.settled_usd into spent;
        cap := p_scope_caps[array_position(p_scopes, v_call.daily_scopes[i])];
        if spent >= cap * 0.8 and spent - v_added < cap * 0.8 then
            return next;
        end if;
    end loop;

    if v_call.cache_key is not null and p_keep is not null and p_reply is not null then
        update llm_reply_cache set reply = p_reply::json, filled_at = now(), expires_at = now() + p_keep
        where key = v_call.cache_key and (leader = p_call or reply is null);
    elsif v_call.cache_key is not null then
        delete from llm_reply_cache where key = v_call.cache_key and leader = p_call and reply is null;
    end if;
end
$$;
