-- up
CREATE SCHEMA app
;;
CREATE FUNCTION app.kind() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT coalesce(nullif(current_setting('quantum.kind', true), ''), 'nobody')
$$
;;
CREATE FUNCTION app.profile_id() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN app.kind() = 'person' THEN nullif(current_setting('quantum.profile_id', true), '')::uuid END
$$
;;
CREATE FUNCTION app.role() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN app.kind() = 'person' THEN nullif(current_setting('quantum.role', true), '') END
$$
;;
CREATE FUNCTION app.own_deals() RETURNS uuid[]
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = public, pg_temp AS $$
BEGIN
    RETURN ARRAY(SELECT id FROM deals WHERE user_id = (SELECT app.profile_id()));
END
$$
;;
CREATE FUNCTION app.own_tickets() RETURNS uuid[]
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = public, pg_temp AS $$
BEGIN
    RETURN ARRAY(SELECT id FROM support_tickets WHERE user_id = (SELECT app.profile_id()));
END
$$
;;
CREATE FUNCTION app.assigned_tickets() RETURNS uuid[]
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = public, pg_temp AS $$
BEGIN
    RETURN ARRAY(SELECT id FROM support_tickets WHERE assigned_to = (SELECT app.profile_id()));
END
$$
;;
ALTER TABLE account_links ENABLE ROW LEVEL SECURITY
;;
ALTER TABLE account_links FORCE ROW LEVEL SECURITY
;;
CREATE POLICY account_links_insert_system ON account_links FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY account_links_update_system ON account_links FOR UPDATE TO quantum_system USING ((SELECT app.kind() = 'system')) WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY account_links_delete_system ON account_links FOR DELETE TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY account_links_insert_console ON account_links FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'operator'))
;;
CREATE POLICY account_links_update_console ON account_links FOR UPDATE TO quantum_system USING ((SELECT app.kind() = 'operator')) WITH CHECK ((SELECT app.kind() = 'operator'))
;;
CREATE POLICY account_links_select_system ON account_links FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY account_links_select_console ON account_links FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'operator'))
;;
GRANT SELECT, INSERT, UPDATE, DELETE ON account_links TO quantum_system
;;
ALTER TABLE achievements ENABLE ROW LEVEL SECURITY
;;
ALTER TABLE achievements FORCE ROW LEVEL SECURITY
;;
CREATE POLICY achievements_select_authenticated ON achievements FOR SELECT TO quantum_app, quantum_staff USING ((SELECT app.kind() = 'person'))
;;
CREATE POLICY achievements_insert_builders ON achievements FOR INSERT TO quantum_staff WITH CHECK ((SELECT app.role() IN ('admin', 'architect')))
;;
CREATE POLICY achievements_update_builders ON achievements FOR UPDATE TO quantum_staff USING ((SELECT app.role() IN ('admin', 'architect'))) WITH CHECK ((SELECT app.role() IN ('admin', 'architect')))
;;
CREATE POLICY achievements_delete_admin ON achievements FOR DELETE TO quantum_staff USING ((SELECT app.role() IN ('admin')))
;;
CREATE POLICY achievements_insert_import ON achievements FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'operator'))
;;
CREATE POLICY achievements_select_system ON achievements FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY achievements_select_console ON achievements FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'operator'))
;;
GRANT SELECT ON achievements TO quantum_app
;;
GRANT SELECT, INSERT, UPDATE (name, description, icon, category, points, rarity, requirements, is_active), DELETE ON achievements TO quantum_staff
;;
GRANT SELECT, INSERT ON achievements TO quantum_system
;;
CREATE FUNCTION app.guard_achievements() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    changed text[];
BEGIN
    IF NOT row_security_active(TG_RELID) THEN
        RETURN NEW;
    END IF;
    SELECT coalesce(array_agg(n.key), '{}') INTO changed FROM jsonb_each(to_jsonb(NEW)) AS n
    WHERE n.value IS DISTINCT FROM to_jsonb(OLD) -> n.key AND n.key NOT IN ('updated_at');
    IF (SELECT app.role() IN ('admin', 'architect')) AND changed <@ ARRAY['name', 'description', 'icon', 'category', 'points', 'rarity', 'requirements', 'is_active'] THEN -- achievements_update_builders
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'no rule lets % change % of achievements', app.kind(), array_to_string(changed, ', ')
    USING ERRCODE = 'insufficient_privilege';
END
$$
;;
CREATE TRIGGER guard_achievements BEFORE UPDATE ON achievements FOR EACH ROW EXECUTE FUNCTION app.guard_achievements()
;;
ALTER TABLE agent_connections ENABLE ROW LEVEL SECURITY
;;
ALTER TABLE agent_connections FORCE ROW LEVEL SECURITY
;;
CREATE POLICY agent_connections_select_authenticated ON agent_connections FOR SELECT TO quantum_app, quantum_staff USING ((SELECT app.kind() = 'person'))
;;
CREATE POLICY agent_connections_insert_builders ON agent_connections FOR INSERT TO quantum_staff WITH CHECK ((SELECT app.role() IN ('admin', 'architect')) AND CAST((agent_connections.metadata ->> 'evidence') AS VARCHAR) = 'declared')
;;
CREATE POLICY agent_connections_insert_measure ON agent_connections FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'system') AND CAST((agent_connections.metadata ->> 'evidence') AS VARCHAR) = 'measured')
;;
CREATE POLICY agent_connections_update_builders ON agent_connections FOR UPDATE TO quantum_staff USING ((SELECT app.role() IN ('admin', 'architect'))) WITH CHECK ((SELECT app.role() IN ('admin', 'architect')))
;;
CREATE POLICY agent_connections_update_measure ON agent_connections FOR UPDATE TO quantum_system USING ((SELECT app.kind() = 'system')) WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY agent_connections_delete_builders ON agent_connections FOR DELETE TO quantum_staff USING ((SELECT app.role() IN ('admin', 'architect')))
;;
CREATE POLICY agent_connections_insert_console ON agent_connections FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'operator') AND CAST((agent_connections.metadata ->> 'evidence') AS VARCHAR) = 'imported')
;;
CREATE POLICY agent_connections_update_console ON agent_connections FOR UPDATE TO quantum_system USING ((SELECT app.kind() = 'operator') AND CAST((agent_connections.metadata ->> 'evidence') AS VARCHAR) = 'imported') WITH CHECK ((SELECT app.kind() = 'operator') AND CAST((agent_connections.metadata ->> 'evidence') AS VARCHAR) = 'imported')
;;
CREATE POLICY agent_connections_select_system ON agent_connections FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY agent_connections_select_console ON agent_connections FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'operator'))
;;
GRANT SELECT ON agent_connections TO quantum_app
;;
GRANT SELECT, INSERT, UPDATE (agent_a_id, agent_b_id, connection_type, strength, latency_ms, bandwidth_mbps, status, metadata, updated_at), DELETE ON agent_connections TO quantum_staff
;;
GRANT SELECT, INSERT, UPDATE (strength, latency_ms, bandwidth_mbps, status, metadata, updated_at) ON agent_connections TO quantum_system
;;
CREATE FUNCTION app.guard_agent_connections() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    changed text[];
BEGIN
    IF NOT row_security_active(TG_RELID) THEN
        RETURN NEW;
    END IF;
    SELECT coalesce(array_agg(n.key), '{}') INTO changed FROM jsonb_each(to_jsonb(NEW)) AS n
    WHERE n.value IS DISTINCT FROM to_jsonb(OLD) -> n.key AND n.key NOT IN ('updated_at');
    IF (SELECT app.role() IN ('admin', 'architect')) AND changed <@ ARRAY['agent_a_id', 'agent_b_id', 'connection_type', 'strength', 'latency_ms', 'bandwidth_mbps', 'status', 'metadata', 'updated_at'] THEN -- agent_connections_update_builders
        RETURN NEW;
    END IF;
    IF (SELECT app.kind() = 'system') AND changed <@ ARRAY['strength', 'latency_ms', 'bandwidth_mbps', 'status', 'metadata'] THEN -- agent_connections_update_measure
        RETURN NEW;
    END IF;
    IF (SELECT app.kind() = 'operator') AND CAST(("old".metadata ->> 'evidence') AS VARCHAR) = 'imported' AND CAST(("new".metadata ->> 'evidence') AS VARCHAR) = 'imported' AND changed <@ ARRAY['strength', 'metadata'] THEN -- agent_connections_update_console
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'no rule lets % change % of agent_connections', app.kind(), array_to_string(changed, ', ')
    USING ERRCODE = 'insufficient_privilege';
END
$$
;;
CREATE TRIGGER guard_agent_connections BEFORE UPDATE ON agent_connections FOR EACH ROW EXECUTE FUNCTION app.guard_agent_connections()
;;
ALTER TABLE agent_logs ENABLE ROW LEVEL SECURITY
;;
ALTER TABLE agent_logs FORCE ROW LEVEL SECURITY
;;
CREATE POLICY agent_logs_select_authenticated ON agent_logs FOR SELECT TO quantum_app, quantum_staff USING ((SELECT app.kind() = 'person'))
;;
CREATE POLICY agent_logs_insert_worker ON agent_logs FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY agent_logs_delete_retention ON agent_logs FOR DELETE TO quantum_system USING ((SELECT app.kind() = 'system') AND agent_logs.created_at < (now() + make_interval(secs => -2592000)))
;;
CREATE POLICY agent_logs_select_system ON agent_logs FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY agent_logs_select_console ON agent_logs FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'operator'))
;;
GRANT SELECT ON agent_logs TO quantum_app
;;
GRANT SELECT ON agent_logs TO quantum_staff
;;
GRANT SELECT, INSERT, DELETE ON agent_logs TO quantum_system
;;
ALTER TABLE agent_rollups ENABLE ROW LEVEL SECURITY
;;
ALTER TABLE agent_rollups FORCE ROW LEVEL SECURITY
;;
CREATE POLICY agent_rollups_select_authenticated ON agent_rollups FOR SELECT TO quantum_app, quantum_staff USING ((SELECT app.kind() = 'person'))
;;
CREATE POLICY agent_rollups_insert_rollup ON agent_rollups FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY agent_rollups_delete_rollup ON agent_rollups FOR DELETE TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY agent_rollups_select_system ON agent_rollups FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY agent_rollups_select_console ON agent_rollups FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'operator'))
;;
GRANT SELECT ON agent_rollups TO quantum_app
;;
GRANT SELECT ON agent_rollups TO quantum_staff
;;
GRANT SELECT, INSERT, DELETE ON agent_rollups TO quantum_system
;;
ALTER TABLE agents ENABLE ROW LEVEL SECURITY
;;
ALTER TABLE agents FORCE ROW LEVEL SECURITY
;;
CREATE POLICY agents_select_authenticated ON agents FOR SELECT TO quantum_app, quantum_staff USING ((SELECT app.kind() = 'person'))
;;
CREATE POLICY agents_insert_builders ON agents FOR INSERT TO quantum_staff WITH CHECK ((SELECT app.role() IN ('admin', 'architect')) AND agents.origin = 'person')
;;
CREATE POLICY agents_insert_observed ON agents FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'system') AND agents.origin IN ('telemetry', 'system'))
;;
CREATE POLICY agents_update_builders ON agents FOR UPDATE TO quantum_staff USING ((SELECT app.role() IN ('admin', 'architect'))) WITH CHECK ((SELECT app.role() IN ('admin', 'architect')))
;;
CREATE POLICY agents_update_worker ON agents FOR UPDATE TO quantum_system USING ((SELECT app.kind() = 'system')) WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY agents_delete_admin ON agents FOR DELETE TO quantum_staff USING ((SELECT app.role() IN ('admin')))
;;
CREATE POLICY agents_insert_console ON agents FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'operator') AND agents.origin IN ('catalogue', 'network'))
;;
CREATE POLICY agents_select_system ON agents FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY agents_select_console ON agents FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'operator'))
;;
GRANT SELECT ON agents TO quantum_app
;;
GRANT SELECT, INSERT, UPDATE (name, role, squad, user_id, metadata, version, updated_at, heartbeat_seconds, paused_at), DELETE ON agents TO quantum_staff
;;
GRANT SELECT, INSERT, UPDATE (status, efficiency, current_task, last_active, metadata, neural_load, uptime_seconds, version, updated_at, heartbeat_seconds, clock_drift_ms, clock_drift_at, measured_at) ON agents TO quantum_system
;;
CREATE FUNCTION app.guard_agents() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    changed text[];
BEGIN
    IF NOT row_security_active(TG_RELID) THEN
        RETURN NEW;
    END IF;
    SELECT coalesce(array_agg(n.key), '{}') INTO changed FROM jsonb_each(to_jsonb(NEW)) AS n
    WHERE n.value IS DISTINCT FROM to_jsonb(OLD) -> n.key AND n.key NOT IN ('updated_at');
    IF (SELECT app.role() IN ('admin', 'architect')) AND changed <@ ARRAY['name', 'role', 'squad', 'user_id', 'metadata', 'version', 'heartbeat_seconds', 'paused_at'] THEN -- agents_update_builders
        RETURN NEW;
    END IF;
    IF (SELECT app.kind() = 'system') AND changed <@ ARRAY['status', 'efficiency', 'current_task', 'last_active', 'metadata', 'neural_load', 'uptime_seconds', 'version', 'heartbeat_seconds', 'clock_drift_ms', 'clock_drift_at', 'measured_at'] THEN -- agents_update_worker
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'no rule lets % change % of agents', app.kind(), array_to_string(changed, ', ')
    USING ERRCODE = 'insufficient_privilege';
END
$$
;;
CREATE TRIGGER guard_agents BEFORE UPDATE ON agents FOR EACH ROW EXECUTE FUNCTION app.guard_agents()
;;
ALTER TABLE ai_models ENABLE ROW LEVEL SECURITY
;;
ALTER TABLE ai_models FORCE ROW LEVEL SECURITY
;;
CREATE POLICY ai_models_select_authenticated ON ai_models FOR SELECT TO quantum_app, quantum_staff USING ((SELECT app.kind() = 'person'))
;;
CREATE POLICY ai_models_insert_builders ON ai_models FOR INSERT TO quantum_staff WITH CHECK ((SELECT app.role() IN ('admin', 'architect')))
;;
CREATE POLICY ai_models_update_builders ON ai_models FOR UPDATE TO quantum_staff USING ((SELECT app.role() IN ('admin', 'architect'))) WITH CHECK ((SELECT app.role() IN ('admin', 'architect')))
;;
CREATE POLICY ai_models_update_worker ON ai_models FOR UPDATE TO quantum_system USING ((SELECT app.kind() = 'system')) WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY ai_models_delete_admin ON ai_models FOR DELETE TO quantum_staff USING ((SELECT app.role() IN ('admin')))
;;
CREATE POLICY ai_models_insert_import ON ai_models FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'operator'))
;;
CREATE POLICY ai_models_select_system ON ai_models FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY ai_models_select_console ON ai_models FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'operator'))
;;
GRANT SELECT ON ai_models TO quantum_app
;;
GRANT SELECT, INSERT, UPDATE (name, version, model_type, description, parameters, accuracy, status, training_started_at, training_completed_at, last_used_at, is_active, metadata, updated_at), DELETE ON ai_models TO quantum_staff
;;
GRANT SELECT, INSERT, UPDATE (accuracy, status, training_started_at, training_completed_at, last_used_at, updated_at) ON ai_models TO quantum_system
;;
CREATE FUNCTION app.guard_ai_models() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    changed text[];
BEGIN
    IF NOT row_security_active(TG_RELID) THEN
        RETURN NEW;
    END IF;
    SELECT coalesce(array_agg(n.key), '{}') INTO changed FROM jsonb_each(to_jsonb(NEW)) AS n
    WHERE n.value IS DISTINCT FROM to_jsonb(OLD) -> n.key AND n.key NOT IN ('updated_at');
    IF (SELECT app.role() IN ('admin', 'architect')) AND changed <@ ARRAY['name', 'version', 'model_type', 'description', 'parameters', 'accuracy', 'status', 'training_started_at', 'training_completed_at', 'last_used_at', 'is_active', 'metadata', 'updated_at'] THEN -- ai_models_update_builders
        RETURN NEW;
    END IF;
    IF (SELECT app.kind() = 'system') AND changed <@ ARRAY['accuracy', 'status', 'training_started_at', 'training_completed_at', 'last_used_at'] THEN -- ai_models_update_worker
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'no rule lets % change % of ai_models', app.kind(), array_to_string(changed, ', ')
    USING ERRCODE = 'insufficient_privilege';
END
$$
;;
CREATE TRIGGER guard_ai_models BEFORE UPDATE ON ai_models FOR EACH ROW EXECUTE FUNCTION app.guard_ai_models()
;;
ALTER TABLE annotations ENABLE ROW LEVEL SECURITY
;;
ALTER TABLE annotations FORCE ROW LEVEL SECURITY
;;
CREATE POLICY annotations_select_authenticated ON annotations FOR SELECT TO quantum_app, quantum_staff USING ((SELECT app.kind() = 'person'))
;;
CREATE POLICY annotations_insert_console ON annotations FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'operator'))
;;
CREATE POLICY annotations_delete_console ON annotations FOR DELETE TO quantum_system USING ((SELECT app.kind() = 'operator'))
;;
CREATE POLICY annotations_select_system ON annotations FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY annotations_select_console ON annotations FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'operator'))
;;
GRANT SELECT ON annotations TO quantum_app
;;
GRANT SELECT ON annotations TO quantum_staff
;;
GRANT SELECT, INSERT, DELETE ON annotations TO quantum_system
;;
ALTER TABLE api_keys ENABLE ROW LEVEL SECURITY
;;
ALTER TABLE api_keys FORCE ROW LEVEL SECURITY
;;
CREATE POLICY api_keys_select_owner ON api_keys FOR SELECT TO quantum_app, quantum_staff USING (api_keys.user_id = (SELECT app.profile_id()))
;;
CREATE POLICY api_keys_select_admin ON api_keys FOR SELECT TO quantum_staff USING ((SELECT app.role() IN ('admin')))
;;
CREATE POLICY api_keys_insert_owner ON api_keys FOR INSERT TO quantum_app, quantum_staff WITH CHECK (api_keys.user_id = (SELECT app.profile_id()))
;;
CREATE POLICY api_keys_update_owner ON api_keys FOR UPDATE TO quantum_app, quantum_staff USING (api_keys.user_id = (SELECT app.profile_id())) WITH CHECK (api_keys.user_id = (SELECT app.profile_id()))
;;
CREATE POLICY api_keys_update_admin ON api_keys FOR UPDATE TO quantum_staff USING ((SELECT app.role() IN ('admin'))) WITH CHECK ((SELECT app.role() IN ('admin')))
;;
CREATE POLICY api_keys_update_system ON api_keys FOR UPDATE TO quantum_system USING ((SELECT app.kind() = 'system')) WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY api_keys_delete_owner ON api_keys FOR DELETE TO quantum_app, quantum_staff USING (api_keys.user_id = (SELECT app.profile_id()))
;;
CREATE POLICY api_keys_insert_console ON api_keys FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'operator'))
;;
CREATE POLICY api_keys_update_console ON api_keys FOR UPDATE TO quantum_system USING ((SELECT app.kind() = 'operator')) WITH CHECK ((SELECT app.kind() = 'operator'))
;;
CREATE POLICY api_keys_select_system ON api_keys FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY api_keys_select_console ON api_keys FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'operator'))
;;
GRANT SELECT (id, user_id, key_name, key_prefix, permissions, rate_limit, is_active, last_used_at, expires_at, created_at, updated_at), INSERT, UPDATE (key_name, is_active, expires_at, updated_at), DELETE ON api_keys TO quantum_app
;;
GRANT SELECT (id, user_id, key_name, key_prefix, permissions, rate_limit, is_active, last_used_at, expires_at, created_at, updated_at), INSERT, UPDATE (key_name, is_active, expires_at, updated_at), DELETE ON api_keys TO quantum_staff
;;
GRANT SELECT (id, user_id, key_name, key_hash, key_prefix, permissions, rate_limit, is_active, last_used_at, expires_at, created_at, updated_at), INSERT, UPDATE (is_active, last_used_at, updated_at) ON api_keys TO quantum_system
;;
CREATE FUNCTION app.guard_api_keys() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    changed text[];
BEGIN
    IF NOT row_security_active(TG_RELID) THEN
        RETURN NEW;
    END IF;
    SELECT coalesce(array_agg(n.key), '{}') INTO changed FROM jsonb_each(to_jsonb(NEW)) AS n
    WHERE n.value IS DISTINCT FROM to_jsonb(OLD) -> n.key AND n.key NOT IN ('updated_at');
    IF "old".user_id = (SELECT app.profile_id()) AND "new".user_id = (SELECT app.profile_id()) AND changed <@ ARRAY['key_name', 'is_active', 'expires_at'] THEN -- api_keys_update_owner
        RETURN NEW;
    END IF;
    IF (SELECT app.role() IN ('admin')) AND changed <@ ARRAY['is_active'] AND (NOT 'is_active' = ANY (changed) OR "new".is_active IN (false)) THEN -- api_keys_update_admin
        RETURN NEW;
    END IF;
    IF (SELECT app.kind() = 'system') AND changed <@ ARRAY['is_active', 'last_used_at'] AND (NOT 'is_active' = ANY (changed) OR "new".is_active IN (false)) THEN -- api_keys_update_system
        RETURN NEW;
    END IF;
    IF (SELECT app.kind() = 'operator') AND changed <@ ARRAY['is_active'] AND (NOT 'is_active' = ANY (changed) OR "new".is_active IN (false)) THEN -- api_keys_update_console
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'no rule lets % change % of api_keys', app.kind(), array_to_string(changed, ', ')
    USING ERRCODE = 'insufficient_privilege';
END
$$
;;
CREATE TRIGGER guard_api_keys BEFORE UPDATE ON api_keys FOR EACH ROW EXECUTE FUNCTION app.guard_api_keys()
;;
ALTER TABLE api_logs ENABLE ROW LEVEL SECURITY
;;
ALTER TABLE api_logs FORCE ROW LEVEL SECURITY
;;
CREATE POLICY api_logs_select_owner ON api_logs FOR SELECT TO quantum_app, quantum_staff USING (api_logs.user_id = (SELECT app.profile_id()))
;;
CREATE POLICY api_logs_select_oversight ON api_logs FOR SELECT TO quantum_staff USING ((SELECT app.role() IN ('admin', 'observer')))
;;
CREATE POLICY api_logs_insert_system ON api_logs FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY api_logs_delete_retention ON api_logs FOR DELETE TO quantum_system USING ((SELECT app.kind() = 'system') AND api_logs.created_at < (now() + make_interval(secs => -7776000)))
;;
CREATE POLICY api_logs_insert_import ON api_logs FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'operator'))
;;
CREATE POLICY api_logs_select_system ON api_logs FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY api_logs_select_console ON api_logs FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'operator'))
;;
GRANT SELECT ON api_logs TO quantum_app
;;
GRANT SELECT ON api_logs TO quantum_staff
;;
GRANT SELECT, INSERT, DELETE ON api_logs TO quantum_system
;;
ALTER TABLE api_rollups ENABLE ROW LEVEL SECURITY
;;
ALTER TABLE api_rollups FORCE ROW LEVEL SECURITY
;;
CREATE POLICY api_rollups_select_owner ON api_rollups FOR SELECT TO quantum_app, quantum_staff USING (api_rollups.user_id = (SELECT app.profile_id()))
;;
CREATE POLICY api_rollups_select_oversight ON api_rollups FOR SELECT TO quantum_staff USING ((SELECT app.role() IN ('admin', 'observer')))
;;
CREATE POLICY api_rollups_insert_rollup ON api_rollups FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY api_rollups_delete_rollup ON api_rollups FOR DELETE TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY api_rollups_select_system ON api_rollups FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY api_rollups_select_console ON api_rollups FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'operator'))
;;
GRANT SELECT ON api_rollups TO quantum_app
;;
GRANT SELECT ON api_rollups TO quantum_staff
;;
GRANT SELECT, INSERT, DELETE ON api_rollups TO quantum_system
;;
ALTER TABLE audit_heads ENABLE ROW LEVEL SECURITY
;;
ALTER TABLE audit_heads FORCE ROW LEVEL SECURITY
;;
CREATE POLICY audit_heads_insert_system ON audit_heads FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY audit_heads_select_oversight ON audit_heads FOR SELECT TO quantum_staff USING ((SELECT app.role() IN ('admin', 'observer')))
;;
CREATE POLICY audit_heads_select_system ON audit_heads FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY audit_heads_select_console ON audit_heads FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'operator'))
;;
GRANT SELECT ON audit_heads TO quantum_staff
;;
GRANT SELECT, INSERT ON audit_heads TO quantum_system
;;
ALTER TABLE audit_log ENABLE ROW LEVEL SECURITY
;;
ALTER TABLE audit_log FORCE ROW LEVEL SECURITY
;;
CREATE POLICY audit_log_select_owner ON audit_log FOR SELECT TO quantum_app, quantum_staff USING (audit_log.user_id = (SELECT app.profile_id()))
;;
CREATE POLICY audit_log_select_oversight ON audit_log FOR SELECT TO quantum_staff USING ((SELECT app.role() IN ('admin', 'observer')))
;;
CREATE POLICY audit_log_insert_system ON audit_log FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY audit_log_select_definer ON audit_log FOR SELECT TO CURRENT_USER USING ((SELECT app.kind() = 'definer'))
;;
CREATE POLICY audit_log_insert_definer ON audit_log FOR INSERT TO CURRENT_USER WITH CHECK ((SELECT app.kind() = 'definer'))
;;
CREATE POLICY audit_log_select_system ON audit_log FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY audit_log_select_console ON audit_log FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'operator'))
;;
GRANT SELECT ON audit_log TO quantum_app
;;
GRANT SELECT ON audit_log TO quantum_staff
;;
GRANT SELECT, INSERT ON audit_log TO quantum_system
;;
ALTER TABLE auth_account ENABLE ROW LEVEL SECURITY
;;
ALTER TABLE auth_account FORCE ROW LEVEL SECURITY
;;
CREATE POLICY auth_account_insert_system ON auth_account FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY auth_account_update_system ON auth_account FOR UPDATE TO quantum_system USING ((SELECT app.kind() = 'system')) WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY auth_account_delete_system ON auth_account FOR DELETE TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY auth_account_insert_console ON auth_account FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'operator'))
;;
CREATE POLICY auth_account_update_console ON auth_account FOR UPDATE TO quantum_system USING ((SELECT app.kind() = 'operator')) WITH CHECK ((SELECT app.kind() = 'operator'))
;;
CREATE POLICY auth_account_select_definer ON auth_account FOR SELECT TO CURRENT_USER USING ((SELECT app.kind() = 'definer'))
;;
CREATE POLICY auth_account_update_definer ON auth_account FOR UPDATE TO CURRENT_USER USING ((SELECT app.kind() = 'definer')) WITH CHECK ((SELECT app.kind() = 'definer'))
;;
CREATE POLICY auth_account_select_system ON auth_account FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY auth_account_select_console ON auth_account FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'operator'))
;;
GRANT SELECT, INSERT, UPDATE, DELETE ON auth_account TO quantum_system
;;
CREATE FUNCTION app.guard_auth_account() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    changed text[];
BEGIN
    IF NOT row_security_active(TG_RELID) THEN
        RETURN NEW;
    END IF;
    SELECT coalesce(array_agg(n.key), '{}') INTO changed FROM jsonb_each(to_jsonb(NEW)) AS n
    WHERE n.value IS DISTINCT FROM to_jsonb(OLD) -> n.key AND n.key NOT IN ('updated_at');
    IF (SELECT app.kind() = 'system') THEN -- auth_account_update_system
        RETURN NEW;
    END IF;
    IF (SELECT app.kind() = 'operator') THEN -- auth_account_update_console
        RETURN NEW;
    END IF;
    IF (SELECT app.kind() = 'definer') AND changed <@ ARRAY['credential_version'] THEN -- auth_account_update_definer
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'no rule lets % change % of auth_account', app.kind(), array_to_string(changed, ', ')
    USING ERRCODE = 'insufficient_privilege';
END
$$
;;
CREATE TRIGGER guard_auth_account BEFORE UPDATE ON auth_account FOR EACH ROW EXECUTE FUNCTION app.guard_auth_account()
;;
ALTER TABLE call_rollups ENABLE ROW LEVEL SECURITY
;;
ALTER TABLE call_rollups FORCE ROW LEVEL SECURITY
;;
CREATE POLICY call_rollups_select_authenticated ON call_rollups FOR SELECT TO quantum_app, quantum_staff USING ((SELECT app.kind() = 'person'))
;;
CREATE POLICY call_rollups_insert_rollup ON call_rollups FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY call_rollups_delete_rollup ON call_rollups FOR DELETE TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY call_rollups_select_system ON call_rollups FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY call_rollups_select_console ON call_rollups FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'operator'))
;;
GRANT SELECT ON call_rollups TO quantum_app
;;
GRANT SELECT ON call_rollups TO quantum_staff
;;
GRANT SELECT, INSERT, DELETE ON call_rollups TO quantum_system
;;
ALTER TABLE calls ENABLE ROW LEVEL SECURITY
;;
ALTER TABLE calls FORCE ROW LEVEL SECURITY
;;
CREATE POLICY calls_select_authenticated ON calls FOR SELECT TO quantum_app, quantum_staff USING ((SELECT app.kind() = 'person'))
;;
CREATE POLICY calls_insert_ingest ON calls FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY calls_update_ingest ON calls FOR UPDATE TO quantum_system USING ((SELECT app.kind() = 'system')) WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY calls_delete_ingest ON calls FOR DELETE TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY calls_select_system ON calls FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY calls_select_console ON calls FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'operator'))
;;
GRANT SELECT ON calls TO quantum_app
;;
GRANT SELECT ON calls TO quantum_staff
;;
GRANT SELECT, INSERT, UPDATE, DELETE ON calls TO quantum_system
;;
ALTER TABLE catalogue_seeds ENABLE ROW LEVEL SECURITY
;;
ALTER TABLE catalogue_seeds FORCE ROW LEVEL SECURITY
;;
CREATE POLICY catalogue_seeds_insert_console ON catalogue_seeds FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'operator'))
;;
CREATE POLICY catalogue_seeds_select_system ON catalogue_seeds FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY catalogue_seeds_select_console ON catalogue_seeds FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'operator'))
;;
GRANT SELECT, INSERT ON catalogue_seeds TO quantum_system
;;
ALTER TABLE check_days ENABLE ROW LEVEL SECURITY
;;
ALTER TABLE check_days FORCE ROW LEVEL SECURITY
;;
CREATE POLICY check_days_select_authenticated ON check_days FOR SELECT TO quantum_app, quantum_staff USING ((SELECT app.kind() = 'person'))
;;
CREATE POLICY check_days_insert_system ON check_days FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY check_days_select_system ON check_days FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY check_days_select_console ON check_days FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'operator'))
;;
GRANT SELECT ON check_days TO quantum_app
;;
GRANT SELECT ON check_days TO quantum_staff
;;
GRANT SELECT, INSERT ON check_days TO quantum_system
;;
ALTER TABLE check_results ENABLE ROW LEVEL SECURITY
;;
ALTER TABLE check_results FORCE ROW LEVEL SECURITY
;;
CREATE POLICY check_results_select_authenticated ON check_results FOR SELECT TO quantum_app, quantum_staff USING ((SELECT app.kind() = 'person'))
;;
CREATE POLICY check_results_insert_system ON check_results FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY check_results_delete_system ON check_results FOR DELETE TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY check_results_insert_console ON check_results FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'operator'))
;;
CREATE POLICY check_results_select_system ON check_results FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY check_results_select_console ON check_results FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'operator'))
;;
GRANT SELECT ON check_results TO quantum_app
;;
GRANT SELECT ON check_results TO quantum_staff
;;
GRANT SELECT, INSERT, DELETE ON check_results TO quantum_system
;;
ALTER TABLE checks ENABLE ROW LEVEL SECURITY
;;
ALTER TABLE checks FORCE ROW LEVEL SECURITY
;;
CREATE POLICY checks_select_authenticated ON checks FOR SELECT TO quantum_app, quantum_staff USING ((SELECT app.kind() = 'person'))
;;
CREATE POLICY checks_insert_builders ON checks FOR INSERT TO quantum_staff WITH CHECK ((SELECT app.role() IN ('admin', 'architect')) AND checks.kind = 'http')
;;
CREATE POLICY checks_update_builders ON checks FOR UPDATE TO quantum_staff USING ((SELECT app.role() IN ('admin', 'architect')) AND checks.kind = 'http') WITH CHECK ((SELECT app.role() IN ('admin', 'architect')))
;;
CREATE POLICY checks_delete_builders ON checks FOR DELETE TO quantum_staff USING ((SELECT app.role() IN ('admin', 'architect')))
;;
CREATE POLICY checks_update_system ON checks FOR UPDATE TO quantum_system USING ((SELECT app.kind() = 'system')) WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY checks_insert_console ON checks FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'operator') AND checks.kind = 'imported')
;;
CREATE POLICY checks_select_system ON checks FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY checks_select_console ON checks FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'operator'))
;;
GRANT SELECT ON checks TO quantum_app
;;
GRANT SELECT, INSERT, UPDATE (name, url, interval_seconds, timeout_seconds, expected_status, confirmations, paused_at, updated_at), DELETE ON checks TO quantum_staff
;;
GRANT SELECT, INSERT, UPDATE (due_at, refusal, updated_at) ON checks TO quantum_system
;;
CREATE FUNCTION app.guard_checks() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    changed text[];
BEGIN
    IF NOT row_security_active(TG_RELID) THEN
        RETURN NEW;
    END IF;
    SELECT coalesce(array_agg(n.key), '{}') INTO changed FROM jsonb_each(to_jsonb(NEW)) AS n
    WHERE n.value IS DISTINCT FROM to_jsonb(OLD) -> n.key AND n.key NOT IN ('updated_at');
    IF (SELECT app.role() IN ('admin', 'architect')) AND "old".kind = 'http' AND changed <@ ARRAY['name', 'url', 'interval_seconds', 'timeout_seconds', 'expected_status', 'confirmations', 'paused_at'] THEN -- checks_update_builders
        RETURN NEW;
    END IF;
    IF (SELECT app.kind() = 'system') AND changed <@ ARRAY['due_at', 'refusal'] THEN -- checks_update_system
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'no rule lets % change % of checks', app.kind(), array_to_string(changed, ', ')
    USING ERRCODE = 'insufficient_privilege';
END
$$
;;
CREATE TRIGGER guard_checks BEFORE UPDATE ON checks FOR EACH ROW EXECUTE FUNCTION app.guard_checks()
;;
ALTER TABLE corrections ENABLE ROW LEVEL SECURITY
;;
ALTER TABLE corrections FORCE ROW LEVEL SECURITY
;;
CREATE POLICY corrections_select_authenticated ON corrections FOR SELECT TO quantum_app, quantum_staff USING ((SELECT app.kind() = 'person'))
;;
CREATE POLICY corrections_insert_admin ON corrections FOR INSERT TO quantum_staff WITH CHECK ((SELECT app.role() IN ('admin')))
;;
CREATE POLICY corrections_update_system ON corrections FOR UPDATE TO quantum_system USING ((SELECT app.kind() = 'system')) WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY corrections_select_system ON corrections FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY corrections_select_console ON corrections FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'operator'))
;;
GRANT SELECT ON corrections TO quantum_app
;;
GRANT SELECT, INSERT ON corrections TO quantum_staff
;;
GRANT SELECT, UPDATE (applied_at) ON corrections TO quantum_system
;;
CREATE FUNCTION app.guard_corrections() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    changed text[];
BEGIN
    IF NOT row_security_active(TG_RELID) THEN
        RETURN NEW;
    END IF;
    SELECT coalesce(array_agg(n.key), '{}') INTO changed FROM jsonb_each(to_jsonb(NEW)) AS n
    WHERE n.value IS DISTINCT FROM to_jsonb(OLD) -> n.key AND n.key NOT IN ('updated_at');
    IF (SELECT app.kind() = 'system') AND changed <@ ARRAY['applied_at'] THEN -- corrections_update_system
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'no rule lets % change % of corrections', app.kind(), array_to_string(changed, ', ')
    USING ERRCODE = 'insufficient_privilege';
END
$$
;;
CREATE TRIGGER guard_corrections BEFORE UPDATE ON corrections FOR EACH ROW EXECUTE FUNCTION app.guard_corrections()
;;
ALTER TABLE deal_activities ENABLE ROW LEVEL SECURITY
;;
ALTER TABLE deal_activities FORCE ROW LEVEL SECURITY
;;
CREATE POLICY deal_activities_select_deal_owner ON deal_activities FOR SELECT TO quantum_app, quantum_staff USING (deal_activities.deal_id = ANY ((SELECT app.own_deals())::uuid[]))
;;
CREATE POLICY deal_activities_select_oversight ON deal_activities FOR SELECT TO quantum_staff USING ((SELECT app.role() IN ('admin', 'strategist')))
;;
CREATE POLICY deal_activities_insert_deal_owner ON deal_activities FOR INSERT TO quantum_app, quantum_staff WITH CHECK (deal_activities.deal_id = ANY ((SELECT app.own_deals())::uuid[]) AND deal_activities.user_id = (SELECT app.profile_id()))
;;
CREATE POLICY deal_activities_delete_admin ON deal_activities FOR DELETE TO quantum_staff USING ((SELECT app.role() IN ('admin')))
;;
CREATE POLICY deal_activities_insert_import ON deal_activities FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'operator'))
;;
CREATE POLICY deal_activities_select_system ON deal_activities FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY deal_activities_select_console ON deal_activities FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'operator'))
;;
GRANT SELECT, INSERT ON deal_activities TO quantum_app
;;
GRANT SELECT, INSERT, DELETE ON deal_activities TO quantum_staff
;;
GRANT SELECT, INSERT ON deal_activities TO quantum_system
;;
ALTER TABLE deals ENABLE ROW LEVEL SECURITY
;;
ALTER TABLE deals FORCE ROW LEVEL SECURITY
;;
CREATE POLICY deals_select_owner ON deals FOR SELECT TO quantum_app, quantum_staff USING (deals.user_id = (SELECT app.profile_id()))
;;
CREATE POLICY deals_select_oversight ON deals FOR SELECT TO quantum_staff USING ((SELECT app.role() IN ('admin', 'strategist')))
;;
CREATE POLICY deals_insert_owner ON deals FOR INSERT TO quantum_app, quantum_staff WITH CHECK (deals.user_id = (SELECT app.profile_id()))
;;
CREATE POLICY deals_update_owner ON deals FOR UPDATE TO quantum_app, quantum_staff USING (deals.user_id = (SELECT app.profile_id())) WITH CHECK (deals.user_id = (SELECT app.profile_id()))
;;
CREATE POLICY deals_update_admin ON deals FOR UPDATE TO quantum_staff USING ((SELECT app.role() IN ('admin'))) WITH CHECK ((SELECT app.role() IN ('admin')))
;;
CREATE POLICY deals_delete_owner ON deals FOR DELETE TO quantum_app, quantum_staff USING (deals.user_id = (SELECT app.profile_id()) AND deals.status = 'lead')
;;
CREATE POLICY deals_delete_admin ON deals FOR DELETE TO quantum_staff USING ((SELECT app.role() IN ('admin')))
;;
CREATE POLICY deals_insert_import ON deals FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'operator'))
;;
CREATE POLICY deals_select_system ON deals FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY deals_select_console ON deals FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'operator'))
;;
GRANT SELECT, INSERT, UPDATE (client_name, value, status, probability, stage, close_date, notes, metadata, updated_at), DELETE ON deals TO quantum_app
;;
GRANT SELECT, INSERT, UPDATE (user_id, client_name, value, status, probability, stage, close_date, notes, metadata, updated_at), DELETE ON deals TO quantum_staff
;;
GRANT SELECT, INSERT ON deals TO quantum_system
;;
CREATE FUNCTION app.guard_deals() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    changed text[];
BEGIN
    IF NOT row_security_active(TG_RELID) THEN
        RETURN NEW;
    END IF;
    SELECT coalesce(array_agg(n.key), '{}') INTO changed FROM jsonb_each(to_jsonb(NEW)) AS n
    WHERE n.value IS DISTINCT FROM to_jsonb(OLD) -> n.key AND n.key NOT IN ('updated_at');
    IF "old".user_id = (SELECT app.profile_id()) AND "new".user_id = (SELECT app.profile_id()) AND changed <@ ARRAY['client_name', 'value', 'status', 'probability', 'stage', 'close_date', 'notes', 'metadata', 'updated_at'] THEN -- deals_update_owner
        RETURN NEW;
    END IF;
    IF (SELECT app.role() IN ('admin')) AND changed <@ ARRAY['user_id', 'client_name', 'value', 'status', 'probability', 'stage', 'close_date', 'notes', 'metadata', 'updated_at'] THEN -- deals_update_admin
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'no rule lets % change % of deals', app.kind(), array_to_string(changed, ', ')
    USING ERRCODE = 'insufficient_privilege';
END
$$
;;
CREATE TRIGGER guard_deals BEFORE UPDATE ON deals FOR EACH ROW EXECUTE FUNCTION app.guard_deals()
;;
ALTER TABLE exempt_times ENABLE ROW LEVEL SECURITY
;;
ALTER TABLE exempt_times FORCE ROW LEVEL SECURITY
;;
CREATE POLICY exempt_times_select_authenticated ON exempt_times FOR SELECT TO quantum_app, quantum_staff USING ((SELECT app.kind() = 'person'))
;;
CREATE POLICY exempt_times_insert_builders ON exempt_times FOR INSERT TO quantum_staff WITH CHECK ((SELECT app.role() IN ('admin', 'architect')))
;;
CREATE POLICY exempt_times_update_builders ON exempt_times FOR UPDATE TO quantum_staff USING ((SELECT app.role() IN ('admin', 'architect'))) WITH CHECK ((SELECT app.role() IN ('admin', 'architect')))
;;
CREATE POLICY exempt_times_update_system ON exempt_times FOR UPDATE TO quantum_system USING ((SELECT app.kind() = 'system')) WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY exempt_times_select_system ON exempt_times FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY exempt_times_select_console ON exempt_times FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'operator'))
;;
GRANT SELECT ON exempt_times TO quantum_app
;;
GRANT SELECT, INSERT, UPDATE (starts_at, ends_at, edited_at, edit_why, cancelled_at, unsettled_from) ON exempt_times TO quantum_staff
;;
GRANT SELECT, UPDATE (unsettled_from) ON exempt_times TO quantum_system
;;
CREATE FUNCTION app.guard_exempt_times() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    changed text[];
BEGIN
    IF NOT row_security_active(TG_RELID) THEN
        RETURN NEW;
    END IF;
    SELECT coalesce(array_agg(n.key), '{}') INTO changed FROM jsonb_each(to_jsonb(NEW)) AS n
    WHERE n.value IS DISTINCT FROM to_jsonb(OLD) -> n.key AND n.key NOT IN ('updated_at');
    IF (SELECT app.role() IN ('admin', 'architect')) AND changed <@ ARRAY['starts_at', 'ends_at', 'edited_at', 'edit_why', 'cancelled_at', 'unsettled_from'] THEN -- exempt_times_update_builders
        RETURN NEW;
    END IF;
    IF (SELECT app.kind() = 'system') AND changed <@ ARRAY['unsettled_from'] THEN -- exempt_times_update_system
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'no rule lets % change % of exempt_times', app.kind(), array_to_string(changed, ', ')
    USING ERRCODE = 'insufficient_privilege';
END
$$
;;
CREATE TRIGGER guard_exempt_times BEFORE UPDATE ON exempt_times FOR EACH ROW EXECUTE FUNCTION app.guard_exempt_times()
;;
ALTER TABLE fleet_rollups ENABLE ROW LEVEL SECURITY
;;
ALTER TABLE fleet_rollups FORCE ROW LEVEL SECURITY
;;
CREATE POLICY fleet_rollups_select_authenticated ON fleet_rollups FOR SELECT TO quantum_app, quantum_staff USING ((SELECT app.kind() = 'person'))
;;
CREATE POLICY fleet_rollups_insert_rollup ON fleet_rollups FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY fleet_rollups_delete_rollup ON fleet_rollups FOR DELETE TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY fleet_rollups_select_system ON fleet_rollups FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY fleet_rollups_select_console ON fleet_rollups FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'operator'))
;;
GRANT SELECT ON fleet_rollups TO quantum_app
;;
GRANT SELECT ON fleet_rollups TO quantum_staff
;;
GRANT SELECT, INSERT, DELETE ON fleet_rollups TO quantum_system
;;
ALTER TABLE heard_stretches ENABLE ROW LEVEL SECURITY
;;
ALTER TABLE heard_stretches FORCE ROW LEVEL SECURITY
;;
CREATE POLICY heard_stretches_select_authenticated ON heard_stretches FOR SELECT TO quantum_app, quantum_staff USING ((SELECT app.kind() = 'person'))
;;
CREATE POLICY heard_stretches_insert_system ON heard_stretches FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY heard_stretches_delete_system ON heard_stretches FOR DELETE TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY heard_stretches_update_system ON heard_stretches FOR UPDATE TO quantum_system USING ((SELECT app.kind() = 'system')) WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY heard_stretches_select_system ON heard_stretches FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY heard_stretches_select_console ON heard_stretches FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'operator'))
;;
GRANT SELECT ON heard_stretches TO quantum_app
;;
GRANT SELECT ON heard_stretches TO quantum_staff
;;
GRANT SELECT, INSERT, UPDATE (last_at, beats), DELETE ON heard_stretches TO quantum_system
;;
CREATE FUNCTION app.guard_heard_stretches() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    changed text[];
BEGIN
    IF NOT row_security_active(TG_RELID) THEN
        RETURN NEW;
    END IF;
    SELECT coalesce(array_agg(n.key), '{}') INTO changed FROM jsonb_each(to_jsonb(NEW)) AS n
    WHERE n.value IS DISTINCT FROM to_jsonb(OLD) -> n.key AND n.key NOT IN ('updated_at');
    IF (SELECT app.kind() = 'system') AND changed <@ ARRAY['last_at', 'beats'] THEN -- heard_stretches_update_system
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'no rule lets % change % of heard_stretches', app.kind(), array_to_string(changed, ', ')
    USING ERRCODE = 'insufficient_privilege';
END
$$
;;
CREATE TRIGGER guard_heard_stretches BEFORE UPDATE ON heard_stretches FOR EACH ROW EXECUTE FUNCTION app.guard_heard_stretches()
;;
ALTER TABLE invoices ENABLE ROW LEVEL SECURITY
;;
ALTER TABLE invoices FORCE ROW LEVEL SECURITY
;;
CREATE POLICY invoices_select_owner ON invoices FOR SELECT TO quantum_app, quantum_staff USING (invoices.user_id = (SELECT app.profile_id()))
;;
CREATE POLICY invoices_select_oversight ON invoices FOR SELECT TO quantum_staff USING ((SELECT app.role() IN ('admin', 'strategist')))
;;
CREATE POLICY invoices_insert_owner ON invoices FOR INSERT TO quantum_app, quantum_staff WITH CHECK (invoices.user_id = (SELECT app.profile_id()) AND invoices.status = 'draft')
;;
CREATE POLICY invoices_update_owner ON invoices FOR UPDATE TO quantum_app, quantum_staff USING (invoices.user_id = (SELECT app.profile_id()) AND invoices.status = 'draft') WITH CHECK (invoices.user_id = (SELECT app.profile_id()))
;;
CREATE POLICY invoices_update_admin ON invoices FOR UPDATE TO quantum_staff USING ((SELECT app.role() IN ('admin'))) WITH CHECK ((SELECT app.role() IN ('admin')))
;;
CREATE POLICY invoices_delete_owner ON invoices FOR DELETE TO quantum_app, quantum_staff USING (invoices.user_id = (SELECT app.profile_id()) AND invoices.status = 'draft')
;;
CREATE POLICY invoices_insert_import ON invoices FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'operator'))
;;
CREATE POLICY invoices_select_system ON invoices FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY invoices_select_console ON invoices FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'operator'))
;;
GRANT SELECT, INSERT, UPDATE (deal_id, invoice_number, amount, tax, total, currency, status, due_date, items, notes, metadata, updated_at), DELETE ON invoices TO quantum_app
;;
GRANT SELECT, INSERT, UPDATE (deal_id, invoice_number, amount, tax, total, currency, status, due_date, paid_at, items, notes, metadata, updated_at), DELETE ON invoices TO quantum_staff
;;
GRANT SELECT, INSERT ON invoices TO quantum_system
;;
CREATE FUNCTION app.guard_invoices() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    changed text[];
BEGIN
    IF NOT row_security_active(TG_RELID) THEN
        RETURN NEW;
    END IF;
    SELECT coalesce(array_agg(n.key), '{}') INTO changed FROM jsonb_each(to_jsonb(NEW)) AS n
    WHERE n.value IS DISTINCT FROM to_jsonb(OLD) -> n.key AND n.key NOT IN ('updated_at');
    IF "old".user_id = (SELECT app.profile_id()) AND "old".status = 'draft' AND "new".user_id = (SELECT app.profile_id()) AND changed <@ ARRAY['deal_id', 'invoice_number', 'amount', 'tax', 'total', 'currency', 'status', 'due_date', 'items', 'notes', 'metadata', 'updated_at'] AND (NOT 'status' = ANY (changed) OR "new".status IN ('sent', 'cancelled')) THEN -- invoices_update_owner
        RETURN NEW;
    END IF;
    IF (SELECT app.role() IN ('admin')) AND changed <@ ARRAY['status', 'paid_at'] THEN -- invoices_update_admin
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'no rule lets % change % of invoices', app.kind(), array_to_string(changed, ', ')
    USING ERRCODE = 'insufficient_privilege';
END
$$
;;
CREATE TRIGGER guard_invoices BEFORE UPDATE ON invoices FOR EACH ROW EXECUTE FUNCTION app.guard_invoices()
;;
ALTER TABLE jobs ENABLE ROW LEVEL SECURITY
;;
ALTER TABLE jobs FORCE ROW LEVEL SECURITY
;;
CREATE POLICY jobs_select_authenticated ON jobs FOR SELECT TO quantum_app, quantum_staff USING ((SELECT app.kind() = 'person'))
;;
CREATE POLICY jobs_insert_system ON jobs FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY jobs_update_system ON jobs FOR UPDATE TO quantum_system USING ((SELECT app.kind() = 'system')) WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY jobs_select_system ON jobs FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY jobs_select_console ON jobs FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'operator'))
;;
GRANT SELECT ON jobs TO quantum_app
;;
GRANT SELECT ON jobs TO quantum_staff
;;
GRANT SELECT, INSERT, UPDATE ON jobs TO quantum_system
;;
ALTER TABLE leaderboard ENABLE ROW LEVEL SECURITY
;;
ALTER TABLE leaderboard FORCE ROW LEVEL SECURITY
;;
CREATE POLICY leaderboard_select_authenticated ON leaderboard FOR SELECT TO quantum_app, quantum_staff USING ((SELECT app.kind() = 'person'))
;;
CREATE POLICY leaderboard_insert_engine ON leaderboard FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY leaderboard_delete_retention ON leaderboard FOR DELETE TO quantum_system USING ((SELECT app.kind() = 'system') AND leaderboard.recorded_at < (now() + make_interval(secs => -31536000)))
;;
CREATE POLICY leaderboard_insert_import ON leaderboard FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'operator'))
;;
CREATE POLICY leaderboard_select_system ON leaderboard FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY leaderboard_select_console ON leaderboard FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'operator'))
;;
GRANT SELECT ON leaderboard TO quantum_app
;;
GRANT SELECT ON leaderboard TO quantum_staff
;;
GRANT SELECT, INSERT, DELETE ON leaderboard TO quantum_system
;;
ALTER TABLE log_rollups ENABLE ROW LEVEL SECURITY
;;
ALTER TABLE log_rollups FORCE ROW LEVEL SECURITY
;;
CREATE POLICY log_rollups_select_authenticated ON log_rollups FOR SELECT TO quantum_app, quantum_staff USING ((SELECT app.kind() = 'person'))
;;
CREATE POLICY log_rollups_insert_rollup ON log_rollups FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY log_rollups_delete_rollup ON log_rollups FOR DELETE TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY log_rollups_select_system ON log_rollups FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY log_rollups_select_console ON log_rollups FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'operator'))
;;
GRANT SELECT ON log_rollups TO quantum_app
;;
GRANT SELECT ON log_rollups TO quantum_staff
;;
GRANT SELECT, INSERT, DELETE ON log_rollups TO quantum_system
;;
ALTER TABLE measurement_rollups ENABLE ROW LEVEL SECURITY
;;
ALTER TABLE measurement_rollups FORCE ROW LEVEL SECURITY
;;
CREATE POLICY measurement_rollups_select_authenticated ON measurement_rollups FOR SELECT TO quantum_app, quantum_staff USING ((SELECT app.kind() = 'person'))
;;
CREATE POLICY measurement_rollups_insert_rollup ON measurement_rollups FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY measurement_rollups_delete_rollup ON measurement_rollups FOR DELETE TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY measurement_rollups_select_system ON measurement_rollups FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY measurement_rollups_select_console ON measurement_rollups FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'operator'))
;;
GRANT SELECT ON measurement_rollups TO quantum_app
;;
GRANT SELECT ON measurement_rollups TO quantum_staff
;;
GRANT SELECT, INSERT, DELETE ON measurement_rollups TO quantum_system
;;
ALTER TABLE network_nodes ENABLE ROW LEVEL SECURITY
;;
ALTER TABLE network_nodes FORCE ROW LEVEL SECURITY
;;
CREATE POLICY network_nodes_select_authenticated ON network_nodes FOR SELECT TO quantum_app, quantum_staff USING ((SELECT app.kind() = 'person'))
;;
CREATE POLICY network_nodes_insert_builders ON network_nodes FOR INSERT TO quantum_staff WITH CHECK ((SELECT app.role() IN ('admin', 'architect')))
;;
CREATE POLICY network_nodes_insert_observed ON network_nodes FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY network_nodes_update_builders ON network_nodes FOR UPDATE TO quantum_staff USING ((SELECT app.role() IN ('admin', 'architect'))) WITH CHECK ((SELECT app.role() IN ('admin', 'architect')))
;;
CREATE POLICY network_nodes_update_measure ON network_nodes FOR UPDATE TO quantum_system USING ((SELECT app.kind() = 'system')) WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY network_nodes_delete_builders ON network_nodes FOR DELETE TO quantum_staff USING ((SELECT app.role() IN ('admin', 'architect')))
;;
CREATE POLICY network_nodes_insert_console ON network_nodes FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'operator'))
;;
CREATE POLICY network_nodes_update_console ON network_nodes FOR UPDATE TO quantum_system USING ((SELECT app.kind() = 'operator')) WITH CHECK ((SELECT app.kind() = 'operator'))
;;
CREATE POLICY network_nodes_select_system ON network_nodes FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY network_nodes_select_console ON network_nodes FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'operator'))
;;
GRANT SELECT ON network_nodes TO quantum_app
;;
GRANT SELECT, INSERT, UPDATE (node_type, node_name, position_x, position_y, position_z, size, color, status, connections_count, metadata, updated_at, agent_id), DELETE ON network_nodes TO quantum_staff
;;
GRANT SELECT, INSERT, UPDATE (position_x, position_y, position_z, size, status, connections_count, metadata, updated_at) ON network_nodes TO quantum_system
;;
CREATE FUNCTION app.guard_network_nodes() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    changed text[];
BEGIN
    IF NOT row_security_active(TG_RELID) THEN
        RETURN NEW;
    END IF;
    SELECT coalesce(array_agg(n.key), '{}') INTO changed FROM jsonb_each(to_jsonb(NEW)) AS n
    WHERE n.value IS DISTINCT FROM to_jsonb(OLD) -> n.key AND n.key NOT IN ('updated_at');
    IF (SELECT app.role() IN ('admin', 'architect')) AND changed <@ ARRAY['node_type', 'node_name', 'position_x', 'position_y', 'position_z', 'size', 'color', 'status', 'connections_count', 'metadata', 'updated_at', 'agent_id'] THEN -- network_nodes_update_builders
        RETURN NEW;
    END IF;
    IF (SELECT app.kind() = 'system') AND changed <@ ARRAY['position_x', 'position_y', 'position_z', 'size', 'status', 'connections_count', 'metadata'] THEN -- network_nodes_update_measure
        RETURN NEW;
    END IF;
    IF (SELECT app.kind() = 'operator') AND changed <@ ARRAY['position_x', 'position_y', 'position_z', 'size', 'status', 'connections_count', 'metadata'] THEN -- network_nodes_update_console
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'no rule lets % change % of network_nodes', app.kind(), array_to_string(changed, ', ')
    USING ERRCODE = 'insufficient_privilege';
END
$$
;;
CREATE TRIGGER guard_network_nodes BEFORE UPDATE ON network_nodes FOR EACH ROW EXECUTE FUNCTION app.guard_network_nodes()
;;
ALTER TABLE objectives ENABLE ROW LEVEL SECURITY
;;
ALTER TABLE objectives FORCE ROW LEVEL SECURITY
;;
CREATE POLICY objectives_select_authenticated ON objectives FOR SELECT TO quantum_app, quantum_staff USING ((SELECT app.kind() = 'person'))
;;
CREATE POLICY objectives_insert_builders ON objectives FOR INSERT TO quantum_staff WITH CHECK ((SELECT app.role() IN ('admin', 'architect')))
;;
CREATE POLICY objectives_update_builders ON objectives FOR UPDATE TO quantum_staff USING ((SELECT app.role() IN ('admin', 'architect'))) WITH CHECK ((SELECT app.role() IN ('admin', 'architect')))
;;
CREATE POLICY objectives_delete_builders ON objectives FOR DELETE TO quantum_staff USING ((SELECT app.role() IN ('admin', 'architect')))
;;
CREATE POLICY objectives_select_system ON objectives FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY objectives_select_console ON objectives FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'operator'))
;;
GRANT SELECT ON objectives TO quantum_app
;;
GRANT SELECT, INSERT, UPDATE, DELETE ON objectives TO quantum_staff
;;
GRANT SELECT ON objectives TO quantum_system
;;
ALTER TABLE one_time_codes ENABLE ROW LEVEL SECURITY
;;
ALTER TABLE one_time_codes FORCE ROW LEVEL SECURITY
;;
CREATE POLICY one_time_codes_insert_system ON one_time_codes FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY one_time_codes_update_system ON one_time_codes FOR UPDATE TO quantum_system USING ((SELECT app.kind() = 'system')) WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY one_time_codes_delete_system ON one_time_codes FOR DELETE TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY one_time_codes_select_system ON one_time_codes FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY one_time_codes_select_console ON one_time_codes FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'operator'))
;;
GRANT SELECT, INSERT, UPDATE, DELETE ON one_time_codes TO quantum_system
;;
ALTER TABLE outgoing_mail ENABLE ROW LEVEL SECURITY
;;
ALTER TABLE outgoing_mail FORCE ROW LEVEL SECURITY
;;
CREATE POLICY outgoing_mail_insert_system ON outgoing_mail FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY outgoing_mail_update_system ON outgoing_mail FOR UPDATE TO quantum_system USING ((SELECT app.kind() = 'system')) WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY outgoing_mail_delete_system ON outgoing_mail FOR DELETE TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY outgoing_mail_select_system ON outgoing_mail FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY outgoing_mail_select_console ON outgoing_mail FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'operator'))
;;
GRANT SELECT, INSERT, UPDATE, DELETE ON outgoing_mail TO quantum_system
;;
ALTER TABLE predictions ENABLE ROW LEVEL SECURITY
;;
ALTER TABLE predictions FORCE ROW LEVEL SECURITY
;;
CREATE POLICY predictions_select_owner ON predictions FOR SELECT TO quantum_app, quantum_staff USING (predictions.user_id = (SELECT app.profile_id()))
;;
CREATE POLICY predictions_select_builders ON predictions FOR SELECT TO quantum_staff USING ((SELECT app.role() IN ('admin', 'architect')))
;;
CREATE POLICY predictions_insert_worker ON predictions FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY predictions_update_owner ON predictions FOR UPDATE TO quantum_app, quantum_staff USING (predictions.user_id = (SELECT app.profile_id())) WITH CHECK (predictions.user_id = (SELECT app.profile_id()))
;;
CREATE POLICY predictions_delete_admin ON predictions FOR DELETE TO quantum_staff USING ((SELECT app.role() IN ('admin')))
;;
CREATE POLICY predictions_insert_import ON predictions FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'operator'))
;;
CREATE POLICY predictions_select_system ON predictions FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY predictions_select_console ON predictions FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'operator'))
;;
GRANT SELECT, UPDATE (is_correct, feedback_provided, feedback_data) ON predictions TO quantum_app
;;
GRANT SELECT, UPDATE (is_correct, feedback_provided, feedback_data), DELETE ON predictions TO quantum_staff
;;
GRANT SELECT, INSERT ON predictions TO quantum_system
;;
CREATE FUNCTION app.guard_predictions() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    changed text[];
BEGIN
    IF NOT row_security_active(TG_RELID) THEN
        RETURN NEW;
    END IF;
    SELECT coalesce(array_agg(n.key), '{}') INTO changed FROM jsonb_each(to_jsonb(NEW)) AS n
    WHERE n.value IS DISTINCT FROM to_jsonb(OLD) -> n.key AND n.key NOT IN ('updated_at');
    IF "old".user_id = (SELECT app.profile_id()) AND "new".user_id = (SELECT app.profile_id()) AND changed <@ ARRAY['is_correct', 'feedback_provided', 'feedback_data'] THEN -- predictions_update_owner
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'no rule lets % change % of predictions', app.kind(), array_to_string(changed, ', ')
    USING ERRCODE = 'insufficient_privilege';
END
$$
;;
CREATE TRIGGER guard_predictions BEFORE UPDATE ON predictions FOR EACH ROW EXECUTE FUNCTION app.guard_predictions()
;;
ALTER TABLE profiles ENABLE ROW LEVEL SECURITY
;;
ALTER TABLE profiles FORCE ROW LEVEL SECURITY
;;
CREATE POLICY profiles_select_self ON profiles FOR SELECT TO quantum_app, quantum_staff USING (profiles.id = (SELECT app.profile_id()))
;;
CREATE POLICY profiles_select_directory ON profiles FOR SELECT TO CURRENT_USER USING ((SELECT app.kind() IN ('person', 'system', 'operator', 'definer')))
;;
CREATE POLICY profiles_select_admin ON profiles FOR SELECT TO quantum_staff USING ((SELECT app.role() IN ('admin')))
;;
CREATE POLICY profiles_insert_signup ON profiles FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY profiles_update_self ON profiles FOR UPDATE TO quantum_app, quantum_staff USING (profiles.id = (SELECT app.profile_id())) WITH CHECK (profiles.id = (SELECT app.profile_id()))
;;
CREATE POLICY profiles_update_admin ON profiles FOR UPDATE TO quantum_staff USING ((SELECT app.role() IN ('admin'))) WITH CHECK ((SELECT app.role() IN ('admin')))
;;
CREATE POLICY profiles_delete_self ON profiles FOR DELETE TO quantum_app, quantum_staff USING (profiles.id = (SELECT app.profile_id()))
;;
CREATE POLICY profiles_delete_admin ON profiles FOR DELETE TO quantum_staff USING ((SELECT app.role() IN ('admin')))
;;
CREATE POLICY profiles_update_closing ON profiles FOR UPDATE TO quantum_system USING ((SELECT app.kind() = 'system')) WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY profiles_update_console ON profiles FOR UPDATE TO quantum_system USING ((SELECT app.kind() = 'operator')) WITH CHECK ((SELECT app.kind() = 'operator'))
;;
CREATE POLICY profiles_insert_console ON profiles FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'operator'))
;;
CREATE POLICY profiles_select_system ON profiles FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY profiles_select_console ON profiles FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'operator'))
;;
GRANT SELECT, UPDATE (username, full_name, avatar_url, bio, company, location, preferences, updated_at), DELETE ON profiles TO quantum_app
;;
GRANT SELECT, UPDATE (username, full_name, avatar_url, role, bio, company, location, preferences, updated_at), DELETE ON profiles TO quantum_staff
;;
GRANT SELECT, INSERT, UPDATE (username, full_name, avatar_url, role, bio, company, location, preferences, updated_at) ON profiles TO quantum_system
;;
CREATE FUNCTION app.guard_profiles() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    changed text[];
BEGIN
    IF NOT row_security_active(TG_RELID) THEN
        RETURN NEW;
    END IF;
    SELECT coalesce(array_agg(n.key), '{}') INTO changed FROM jsonb_each(to_jsonb(NEW)) AS n
    WHERE n.value IS DISTINCT FROM to_jsonb(OLD) -> n.key AND n.key NOT IN ('updated_at');
    IF "old".id = (SELECT app.profile_id()) AND "new".id = (SELECT app.profile_id()) AND changed <@ ARRAY['username', 'full_name', 'avatar_url', 'bio', 'company', 'location', 'preferences', 'updated_at'] THEN -- profiles_update_self
        RETURN NEW;
    END IF;
    IF (SELECT app.role() IN ('admin')) AND changed <@ ARRAY['username', 'full_name', 'avatar_url', 'role', 'bio', 'company', 'location', 'preferences', 'updated_at'] THEN -- profiles_update_admin
        RETURN NEW;
    END IF;
    IF (SELECT app.kind() = 'system') AND changed <@ ARRAY['username', 'full_name', 'avatar_url', 'role', 'bio', 'company', 'location', 'preferences', 'updated_at'] AND (NOT 'role' = ANY (changed) OR "new".role IN ('user')) THEN -- profiles_update_closing
        RETURN NEW;
    END IF;
    IF (SELECT app.kind() = 'operator') AND changed <@ ARRAY['role'] THEN -- profiles_update_console
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'no rule lets % change % of profiles', app.kind(), array_to_string(changed, ', ')
    USING ERRCODE = 'insufficient_privilege';
END
$$
;;
CREATE TRIGGER guard_profiles BEFORE UPDATE ON profiles FOR EACH ROW EXECUTE FUNCTION app.guard_profiles()
;;
ALTER TABLE provider_usage ENABLE ROW LEVEL SECURITY
;;
ALTER TABLE provider_usage FORCE ROW LEVEL SECURITY
;;
CREATE POLICY provider_usage_select_managers ON provider_usage FOR SELECT TO quantum_staff USING ((SELECT app.role() IN ('admin', 'architect', 'observer', 'strategist')))
;;
CREATE POLICY provider_usage_insert_console ON provider_usage FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'operator'))
;;
CREATE POLICY provider_usage_delete_console ON provider_usage FOR DELETE TO quantum_system USING ((SELECT app.kind() = 'operator'))
;;
CREATE POLICY provider_usage_select_system ON provider_usage FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY provider_usage_select_console ON provider_usage FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'operator'))
;;
GRANT SELECT ON provider_usage TO quantum_staff
;;
GRANT SELECT, INSERT, DELETE ON provider_usage TO quantum_system
;;
ALTER TABLE rate_limits ENABLE ROW LEVEL SECURITY
;;
ALTER TABLE rate_limits FORCE ROW LEVEL SECURITY
;;
CREATE POLICY rate_limits_select_owner ON rate_limits FOR SELECT TO quantum_app, quantum_staff USING (rate_limits.user_id = (SELECT app.profile_id()))
;;
CREATE POLICY rate_limits_select_admin ON rate_limits FOR SELECT TO quantum_staff USING ((SELECT app.role() IN ('admin')))
;;
CREATE POLICY rate_limits_insert_system ON rate_limits FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY rate_limits_update_system ON rate_limits FOR UPDATE TO quantum_system USING ((SELECT app.kind() = 'system')) WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY rate_limits_update_admin ON rate_limits FOR UPDATE TO quantum_staff USING ((SELECT app.role() IN ('admin'))) WITH CHECK ((SELECT app.role() IN ('admin')))
;;
CREATE POLICY rate_limits_delete_admin ON rate_limits FOR DELETE TO quantum_staff USING ((SELECT app.role() IN ('admin')))
;;
CREATE POLICY rate_limits_insert_import ON rate_limits FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'operator'))
;;
CREATE POLICY rate_limits_select_system ON rate_limits FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY rate_limits_select_console ON rate_limits FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'operator'))
;;
GRANT SELECT ON rate_limits TO quantum_app
;;
GRANT SELECT, UPDATE (limit_per_hour, limit_per_day, updated_at), DELETE ON rate_limits TO quantum_staff
;;
GRANT SELECT, INSERT, UPDATE (current_hour_count, current_day_count, window_start, last_reset_at, updated_at) ON rate_limits TO quantum_system
;;
CREATE FUNCTION app.guard_rate_limits() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    changed text[];
BEGIN
    IF NOT row_security_active(TG_RELID) THEN
        RETURN NEW;
    END IF;
    SELECT coalesce(array_agg(n.key), '{}') INTO changed FROM jsonb_each(to_jsonb(NEW)) AS n
    WHERE n.value IS DISTINCT FROM to_jsonb(OLD) -> n.key AND n.key NOT IN ('updated_at');
    IF (SELECT app.kind() = 'system') AND changed <@ ARRAY['current_hour_count', 'current_day_count', 'window_start', 'last_reset_at'] THEN -- rate_limits_update_system
        RETURN NEW;
    END IF;
    IF (SELECT app.role() IN ('admin')) AND changed <@ ARRAY['limit_per_hour', 'limit_per_day'] THEN -- rate_limits_update_admin
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'no rule lets % change % of rate_limits', app.kind(), array_to_string(changed, ', ')
    USING ERRCODE = 'insufficient_privilege';
END
$$
;;
CREATE TRIGGER guard_rate_limits BEFORE UPDATE ON rate_limits FOR EACH ROW EXECUTE FUNCTION app.guard_rate_limits()
;;
ALTER TABLE recovery_codes ENABLE ROW LEVEL SECURITY
;;
ALTER TABLE recovery_codes FORCE ROW LEVEL SECURITY
;;
CREATE POLICY recovery_codes_insert_system ON recovery_codes FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY recovery_codes_update_system ON recovery_codes FOR UPDATE TO quantum_system USING ((SELECT app.kind() = 'system')) WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY recovery_codes_delete_system ON recovery_codes FOR DELETE TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY recovery_codes_select_system ON recovery_codes FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY recovery_codes_select_console ON recovery_codes FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'operator'))
;;
GRANT SELECT, INSERT, UPDATE, DELETE ON recovery_codes TO quantum_system
;;
ALTER TABLE role_requirements ENABLE ROW LEVEL SECURITY
;;
ALTER TABLE role_requirements FORCE ROW LEVEL SECURITY
;;
CREATE POLICY role_requirements_insert_system ON role_requirements FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY role_requirements_update_system ON role_requirements FOR UPDATE TO quantum_system USING ((SELECT app.kind() = 'system')) WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY role_requirements_delete_system ON role_requirements FOR DELETE TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY role_requirements_select_system ON role_requirements FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY role_requirements_select_console ON role_requirements FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'operator'))
;;
GRANT SELECT, INSERT, UPDATE, DELETE ON role_requirements TO quantum_system
;;
ALTER TABLE rollup_kept ENABLE ROW LEVEL SECURITY
;;
ALTER TABLE rollup_kept FORCE ROW LEVEL SECURITY
;;
CREATE POLICY rollup_kept_select_authenticated ON rollup_kept FOR SELECT TO quantum_app, quantum_staff USING ((SELECT app.kind() = 'person'))
;;
CREATE POLICY rollup_kept_insert_rollup ON rollup_kept FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY rollup_kept_update_rollup ON rollup_kept FOR UPDATE TO quantum_system USING ((SELECT app.kind() = 'system')) WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY rollup_kept_select_system ON rollup_kept FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY rollup_kept_select_console ON rollup_kept FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'operator'))
;;
GRANT SELECT ON rollup_kept TO quantum_app
;;
GRANT SELECT ON rollup_kept TO quantum_staff
;;
GRANT SELECT, INSERT, UPDATE ON rollup_kept TO quantum_system
;;
ALTER TABLE rollup_touched ENABLE ROW LEVEL SECURITY
;;
ALTER TABLE rollup_touched FORCE ROW LEVEL SECURITY
;;
CREATE POLICY rollup_touched_select_authenticated ON rollup_touched FOR SELECT TO quantum_app, quantum_staff USING ((SELECT app.kind() = 'person'))
;;
CREATE POLICY rollup_touched_insert_rollup ON rollup_touched FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY rollup_touched_delete_rollup ON rollup_touched FOR DELETE TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY rollup_touched_insert_import ON rollup_touched FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'operator'))
;;
CREATE POLICY rollup_touched_select_system ON rollup_touched FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY rollup_touched_select_console ON rollup_touched FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'operator'))
;;
GRANT SELECT ON rollup_touched TO quantum_app
;;
GRANT SELECT ON rollup_touched TO quantum_staff
;;
GRANT SELECT, INSERT, DELETE ON rollup_touched TO quantum_system
;;
ALTER TABLE second_factors ENABLE ROW LEVEL SECURITY
;;
ALTER TABLE second_factors FORCE ROW LEVEL SECURITY
;;
CREATE POLICY second_factors_insert_system ON second_factors FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY second_factors_update_system ON second_factors FOR UPDATE TO quantum_system USING ((SELECT app.kind() = 'system')) WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY second_factors_delete_system ON second_factors FOR DELETE TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY second_factors_select_system ON second_factors FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY second_factors_select_console ON second_factors FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'operator'))
;;
GRANT SELECT, INSERT, UPDATE, DELETE ON second_factors TO quantum_system
;;
ALTER TABLE security_events ENABLE ROW LEVEL SECURITY
;;
ALTER TABLE security_events FORCE ROW LEVEL SECURITY
;;
CREATE POLICY security_events_select_owner ON security_events FOR SELECT TO quantum_app, quantum_staff USING (security_events.user_id = (SELECT app.profile_id()))
;;
CREATE POLICY security_events_select_oversight ON security_events FOR SELECT TO quantum_staff USING ((SELECT app.role() IN ('admin', 'observer')))
;;
CREATE POLICY security_events_insert_system ON security_events FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY security_events_update_resolve ON security_events FOR UPDATE TO quantum_staff USING ((SELECT app.role() IN ('admin'))) WITH CHECK ((SELECT app.role() IN ('admin')) AND (security_events.resolved_by = (SELECT app.profile_id()) OR security_events.resolved_by IS NULL))
;;
CREATE POLICY security_events_update_count ON security_events FOR UPDATE TO quantum_system USING ((SELECT app.kind() = 'system') AND security_events.resolved IS NOT true) WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY security_events_insert_import ON security_events FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'operator'))
;;
CREATE POLICY security_events_select_system ON security_events FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY security_events_select_console ON security_events FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'operator'))
;;
GRANT SELECT ON security_events TO quantum_app
;;
GRANT SELECT, UPDATE (resolved, resolved_by, resolved_at) ON security_events TO quantum_staff
;;
GRANT SELECT, INSERT, UPDATE (metadata) ON security_events TO quantum_system
;;
CREATE FUNCTION app.guard_security_events() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    changed text[];
BEGIN
    IF NOT row_security_active(TG_RELID) THEN
        RETURN NEW;
    END IF;
    SELECT coalesce(array_agg(n.key), '{}') INTO changed FROM jsonb_each(to_jsonb(NEW)) AS n
    WHERE n.value IS DISTINCT FROM to_jsonb(OLD) -> n.key AND n.key NOT IN ('updated_at');
    IF (SELECT app.role() IN ('admin')) AND ("new".resolved_by = (SELECT app.profile_id()) OR "new".resolved_by IS NULL) AND changed <@ ARRAY['resolved', 'resolved_by', 'resolved_at'] THEN -- security_events_update_resolve
        RETURN NEW;
    END IF;
    IF (SELECT app.kind() = 'system') AND "old".resolved IS NOT true AND changed <@ ARRAY['metadata'] THEN -- security_events_update_count
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'no rule lets % change % of security_events', app.kind(), array_to_string(changed, ', ')
    USING ERRCODE = 'insufficient_privilege';
END
$$
;;
CREATE TRIGGER guard_security_events BEFORE UPDATE ON security_events FOR EACH ROW EXECUTE FUNCTION app.guard_security_events()
;;
ALTER TABLE senders ENABLE ROW LEVEL SECURITY
;;
ALTER TABLE senders FORCE ROW LEVEL SECURITY
;;
CREATE POLICY senders_select_authenticated ON senders FOR SELECT TO quantum_app, quantum_staff USING ((SELECT app.kind() = 'person'))
;;
CREATE POLICY senders_insert_ingest ON senders FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY senders_update_ingest ON senders FOR UPDATE TO quantum_system USING ((SELECT app.kind() = 'system')) WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY senders_delete_ingest ON senders FOR DELETE TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY senders_select_system ON senders FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY senders_select_console ON senders FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'operator'))
;;
GRANT SELECT ON senders TO quantum_app
;;
GRANT SELECT ON senders TO quantum_staff
;;
GRANT SELECT, INSERT, UPDATE, DELETE ON senders TO quantum_system
;;
ALTER TABLE sign_in_limits ENABLE ROW LEVEL SECURITY
;;
ALTER TABLE sign_in_limits FORCE ROW LEVEL SECURITY
;;
CREATE POLICY sign_in_limits_insert_system ON sign_in_limits FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY sign_in_limits_update_system ON sign_in_limits FOR UPDATE TO quantum_system USING ((SELECT app.kind() = 'system')) WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY sign_in_limits_delete_system ON sign_in_limits FOR DELETE TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY sign_in_limits_select_system ON sign_in_limits FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY sign_in_limits_select_console ON sign_in_limits FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'operator'))
;;
GRANT SELECT, INSERT, UPDATE, DELETE ON sign_in_limits TO quantum_system
;;
ALTER TABLE social_posts ENABLE ROW LEVEL SECURITY
;;
ALTER TABLE social_posts FORCE ROW LEVEL SECURITY
;;
CREATE POLICY social_posts_select_authenticated ON social_posts FOR SELECT TO quantum_app, quantum_staff USING ((SELECT app.kind() = 'person'))
;;
CREATE POLICY social_posts_insert_collector ON social_posts FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY social_posts_update_collector ON social_posts FOR UPDATE TO quantum_system USING ((SELECT app.kind() = 'system')) WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY social_posts_delete_admin ON social_posts FOR DELETE TO quantum_staff USING ((SELECT app.role() IN ('admin')))
;;
CREATE POLICY social_posts_insert_import ON social_posts FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'operator'))
;;
CREATE POLICY social_posts_select_system ON social_posts FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY social_posts_select_console ON social_posts FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'operator'))
;;
GRANT SELECT ON social_posts TO quantum_app
;;
GRANT SELECT, DELETE ON social_posts TO quantum_staff
;;
GRANT SELECT, INSERT, UPDATE (likes_count, shares_count, comments_count, sentiment_score, trending_score, metadata, fetched_at) ON social_posts TO quantum_system
;;
CREATE FUNCTION app.guard_social_posts() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    changed text[];
BEGIN
    IF NOT row_security_active(TG_RELID) THEN
        RETURN NEW;
    END IF;
    SELECT coalesce(array_agg(n.key), '{}') INTO changed FROM jsonb_each(to_jsonb(NEW)) AS n
    WHERE n.value IS DISTINCT FROM to_jsonb(OLD) -> n.key AND n.key NOT IN ('updated_at');
    IF (SELECT app.kind() = 'system') AND changed <@ ARRAY['likes_count', 'shares_count', 'comments_count', 'sentiment_score', 'trending_score', 'metadata', 'fetched_at'] THEN -- social_posts_update_collector
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'no rule lets % change % of social_posts', app.kind(), array_to_string(changed, ', ')
    USING ERRCODE = 'insufficient_privilege';
END
$$
;;
CREATE TRIGGER guard_social_posts BEFORE UPDATE ON social_posts FOR EACH ROW EXECUTE FUNCTION app.guard_social_posts()
;;
ALTER TABLE social_trends ENABLE ROW LEVEL SECURITY
;;
ALTER TABLE social_trends FORCE ROW LEVEL SECURITY
;;
CREATE POLICY social_trends_select_authenticated ON social_trends FOR SELECT TO quantum_app, quantum_staff USING ((SELECT app.kind() = 'person'))
;;
CREATE POLICY social_trends_insert_collector ON social_trends FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY social_trends_delete_admin ON social_trends FOR DELETE TO quantum_staff USING ((SELECT app.role() IN ('admin')))
;;
CREATE POLICY social_trends_insert_import ON social_trends FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'operator'))
;;
CREATE POLICY social_trends_select_system ON social_trends FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY social_trends_select_console ON social_trends FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'operator'))
;;
GRANT SELECT ON social_trends TO quantum_app
;;
GRANT SELECT, DELETE ON social_trends TO quantum_staff
;;
GRANT SELECT, INSERT ON social_trends TO quantum_system
;;
ALTER TABLE spans ENABLE ROW LEVEL SECURITY
;;
ALTER TABLE spans FORCE ROW LEVEL SECURITY
;;
CREATE POLICY spans_select_authenticated ON spans FOR SELECT TO quantum_app, quantum_staff USING ((SELECT app.kind() = 'person'))
;;
CREATE POLICY spans_insert_ingest ON spans FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY spans_update_ingest ON spans FOR UPDATE TO quantum_system USING ((SELECT app.kind() = 'system')) WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY spans_delete_ingest ON spans FOR DELETE TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY spans_select_system ON spans FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY spans_select_console ON spans FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'operator'))
;;
GRANT SELECT ON spans TO quantum_app
;;
GRANT SELECT ON spans TO quantum_staff
;;
GRANT SELECT, INSERT, UPDATE, DELETE ON spans TO quantum_system
;;
ALTER TABLE state_days ENABLE ROW LEVEL SECURITY
;;
ALTER TABLE state_days FORCE ROW LEVEL SECURITY
;;
CREATE POLICY state_days_select_authenticated ON state_days FOR SELECT TO quantum_app, quantum_staff USING ((SELECT app.kind() = 'person'))
;;
CREATE POLICY state_days_insert_system ON state_days FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY state_days_select_system ON state_days FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY state_days_select_console ON state_days FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'operator'))
;;
GRANT SELECT ON state_days TO quantum_app
;;
GRANT SELECT ON state_days TO quantum_staff
;;
GRANT SELECT, INSERT ON state_days TO quantum_system
;;
ALTER TABLE state_stretches ENABLE ROW LEVEL SECURITY
;;
ALTER TABLE state_stretches FORCE ROW LEVEL SECURITY
;;
CREATE POLICY state_stretches_select_authenticated ON state_stretches FOR SELECT TO quantum_app, quantum_staff USING ((SELECT app.kind() = 'person'))
;;
CREATE POLICY state_stretches_insert_system ON state_stretches FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY state_stretches_delete_system ON state_stretches FOR DELETE TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY state_stretches_update_system ON state_stretches FOR UPDATE TO quantum_system USING ((SELECT app.kind() = 'system')) WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY state_stretches_select_system ON state_stretches FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY state_stretches_select_console ON state_stretches FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'operator'))
;;
GRANT SELECT ON state_stretches TO quantum_app
;;
GRANT SELECT ON state_stretches TO quantum_staff
;;
GRANT SELECT, INSERT, UPDATE (until, superseded_at), DELETE ON state_stretches TO quantum_system
;;
CREATE FUNCTION app.guard_state_stretches() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    changed text[];
BEGIN
    IF NOT row_security_active(TG_RELID) THEN
        RETURN NEW;
    END IF;
    SELECT coalesce(array_agg(n.key), '{}') INTO changed FROM jsonb_each(to_jsonb(NEW)) AS n
    WHERE n.value IS DISTINCT FROM to_jsonb(OLD) -> n.key AND n.key NOT IN ('updated_at');
    IF (SELECT app.kind() = 'system') AND changed <@ ARRAY['until', 'superseded_at'] THEN -- state_stretches_update_system
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'no rule lets % change % of state_stretches', app.kind(), array_to_string(changed, ', ')
    USING ERRCODE = 'insufficient_privilege';
END
$$
;;
CREATE TRIGGER guard_state_stretches BEFORE UPDATE ON state_stretches FOR EACH ROW EXECUTE FUNCTION app.guard_state_stretches()
;;
ALTER TABLE support_tickets ENABLE ROW LEVEL SECURITY
;;
ALTER TABLE support_tickets FORCE ROW LEVEL SECURITY
;;
CREATE POLICY support_tickets_select_owner ON support_tickets FOR SELECT TO quantum_app, quantum_staff USING (support_tickets.user_id = (SELECT app.profile_id()))
;;
CREATE POLICY support_tickets_select_assignee ON support_tickets FOR SELECT TO quantum_app, quantum_staff USING (support_tickets.assigned_to = (SELECT app.profile_id()))
;;
CREATE POLICY support_tickets_select_admin ON support_tickets FOR SELECT TO quantum_staff USING ((SELECT app.role() IN ('admin')))
;;
CREATE POLICY support_tickets_insert_owner ON support_tickets FOR INSERT TO quantum_app, quantum_staff WITH CHECK (support_tickets.user_id = (SELECT app.profile_id()) AND support_tickets.assigned_to IS NULL)
;;
CREATE POLICY support_tickets_update_owner ON support_tickets FOR UPDATE TO quantum_app, quantum_staff USING (support_tickets.user_id = (SELECT app.profile_id()) AND support_tickets.status IN ('open', 'in_progress')) WITH CHECK (support_tickets.user_id = (SELECT app.profile_id()))
;;
CREATE POLICY support_tickets_update_assignee ON support_tickets FOR UPDATE TO quantum_app, quantum_staff USING (support_tickets.assigned_to = (SELECT app.profile_id())) WITH CHECK (support_tickets.assigned_to = (SELECT app.profile_id()))
;;
CREATE POLICY support_tickets_update_admin ON support_tickets FOR UPDATE TO quantum_staff USING ((SELECT app.role() IN ('admin'))) WITH CHECK ((SELECT app.role() IN ('admin')))
;;
CREATE POLICY support_tickets_delete_admin ON support_tickets FOR DELETE TO quantum_staff USING ((SELECT app.role() IN ('admin')))
;;
CREATE POLICY support_tickets_insert_import ON support_tickets FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'operator'))
;;
CREATE POLICY support_tickets_select_system ON support_tickets FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY support_tickets_select_console ON support_tickets FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'operator'))
;;
GRANT SELECT, INSERT, UPDATE (subject, description, status, priority, resolved_at, updated_at) ON support_tickets TO quantum_app
;;
GRANT SELECT, INSERT, UPDATE (subject, description, status, priority, sentiment_score, assigned_to, resolved_at, updated_at), DELETE ON support_tickets TO quantum_staff
;;
GRANT SELECT, INSERT ON support_tickets TO quantum_system
;;
CREATE FUNCTION app.guard_support_tickets() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    changed text[];
BEGIN
    IF NOT row_security_active(TG_RELID) THEN
        RETURN NEW;
    END IF;
    SELECT coalesce(array_agg(n.key), '{}') INTO changed FROM jsonb_each(to_jsonb(NEW)) AS n
    WHERE n.value IS DISTINCT FROM to_jsonb(OLD) -> n.key AND n.key NOT IN ('updated_at');
    IF "old".user_id = (SELECT app.profile_id()) AND "old".status IN ('open', 'in_progress') AND "new".user_id = (SELECT app.profile_id()) AND changed <@ ARRAY['subject', 'description', 'status'] AND (NOT 'status' = ANY (changed) OR "new".status IN ('closed')) THEN -- support_tickets_update_owner
        RETURN NEW;
    END IF;
    IF "old".assigned_to = (SELECT app.profile_id()) AND "new".assigned_to = (SELECT app.profile_id()) AND changed <@ ARRAY['status', 'priority', 'resolved_at'] THEN -- support_tickets_update_assignee
        RETURN NEW;
    END IF;
    IF (SELECT app.role() IN ('admin')) AND changed <@ ARRAY['subject', 'description', 'status', 'priority', 'sentiment_score', 'assigned_to', 'resolved_at', 'updated_at'] THEN -- support_tickets_update_admin
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'no rule lets % change % of support_tickets', app.kind(), array_to_string(changed, ', ')
    USING ERRCODE = 'insufficient_privilege';
END
$$
;;
CREATE TRIGGER guard_support_tickets BEFORE UPDATE ON support_tickets FOR EACH ROW EXECUTE FUNCTION app.guard_support_tickets()
;;
ALTER TABLE system_metrics ENABLE ROW LEVEL SECURITY
;;
ALTER TABLE system_metrics FORCE ROW LEVEL SECURITY
;;
CREATE POLICY system_metrics_select_authenticated ON system_metrics FOR SELECT TO quantum_app, quantum_staff USING ((SELECT app.kind() = 'person'))
;;
CREATE POLICY system_metrics_insert_system ON system_metrics FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY system_metrics_delete_retention ON system_metrics FOR DELETE TO quantum_system USING ((SELECT app.kind() = 'system') AND system_metrics.recorded_at < (now() + make_interval(secs => -604800)))
;;
CREATE POLICY system_metrics_insert_import ON system_metrics FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'operator'))
;;
CREATE POLICY system_metrics_select_system ON system_metrics FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY system_metrics_select_console ON system_metrics FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'operator'))
;;
GRANT SELECT ON system_metrics TO quantum_app
;;
GRANT SELECT ON system_metrics TO quantum_staff
;;
GRANT SELECT, INSERT, DELETE ON system_metrics TO quantum_system
;;
ALTER TABLE ticket_messages ENABLE ROW LEVEL SECURITY
;;
ALTER TABLE ticket_messages FORCE ROW LEVEL SECURITY
;;
CREATE POLICY ticket_messages_select_ticket_owner ON ticket_messages FOR SELECT TO quantum_app, quantum_staff USING (ticket_messages.ticket_id = ANY ((SELECT app.own_tickets())::uuid[]) AND ticket_messages.is_internal = false)
;;
CREATE POLICY ticket_messages_select_ticket_assignee ON ticket_messages FOR SELECT TO quantum_app, quantum_staff USING (ticket_messages.ticket_id = ANY ((SELECT app.assigned_tickets())::uuid[]))
;;
CREATE POLICY ticket_messages_select_admin ON ticket_messages FOR SELECT TO quantum_staff USING ((SELECT app.role() IN ('admin')))
;;
CREATE POLICY ticket_messages_insert_ticket_owner ON ticket_messages FOR INSERT TO quantum_app, quantum_staff WITH CHECK (ticket_messages.ticket_id = ANY ((SELECT app.own_tickets())::uuid[]) AND ticket_messages.user_id = (SELECT app.profile_id()) AND ticket_messages.is_internal = false)
;;
CREATE POLICY ticket_messages_insert_ticket_assignee ON ticket_messages FOR INSERT TO quantum_app, quantum_staff WITH CHECK (ticket_messages.ticket_id = ANY ((SELECT app.assigned_tickets())::uuid[]) AND ticket_messages.user_id = (SELECT app.profile_id()))
;;
CREATE POLICY ticket_messages_insert_admin ON ticket_messages FOR INSERT TO quantum_staff WITH CHECK ((SELECT app.role() IN ('admin')) AND ticket_messages.user_id = (SELECT app.profile_id()))
;;
CREATE POLICY ticket_messages_delete_admin ON ticket_messages FOR DELETE TO quantum_staff USING ((SELECT app.role() IN ('admin')))
;;
CREATE POLICY ticket_messages_insert_import ON ticket_messages FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'operator'))
;;
CREATE POLICY ticket_messages_select_system ON ticket_messages FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY ticket_messages_select_console ON ticket_messages FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'operator'))
;;
GRANT SELECT, INSERT ON ticket_messages TO quantum_app
;;
GRANT SELECT, INSERT, DELETE ON ticket_messages TO quantum_staff
;;
GRANT SELECT, INSERT ON ticket_messages TO quantum_system
;;
ALTER TABLE training_data ENABLE ROW LEVEL SECURITY
;;
ALTER TABLE training_data FORCE ROW LEVEL SECURITY
;;
CREATE POLICY training_data_select_builders ON training_data FOR SELECT TO quantum_staff USING ((SELECT app.role() IN ('admin', 'architect')))
;;
CREATE POLICY training_data_insert_builders ON training_data FOR INSERT TO quantum_staff WITH CHECK ((SELECT app.role() IN ('admin', 'architect')))
;;
CREATE POLICY training_data_insert_worker ON training_data FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY training_data_update_builders ON training_data FOR UPDATE TO quantum_staff USING ((SELECT app.role() IN ('admin', 'architect'))) WITH CHECK ((SELECT app.role() IN ('admin', 'architect')))
;;
CREATE POLICY training_data_delete_admin ON training_data FOR DELETE TO quantum_staff USING ((SELECT app.role() IN ('admin')))
;;
CREATE POLICY training_data_insert_import ON training_data FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'operator'))
;;
CREATE POLICY training_data_select_system ON training_data FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY training_data_select_console ON training_data FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'operator'))
;;
GRANT SELECT, INSERT, UPDATE (accuracy_score, is_validated, validated_by, validated_at), DELETE ON training_data TO quantum_staff
;;
GRANT SELECT, INSERT ON training_data TO quantum_system
;;
CREATE FUNCTION app.guard_training_data() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    changed text[];
BEGIN
    IF NOT row_security_active(TG_RELID) THEN
        RETURN NEW;
    END IF;
    SELECT coalesce(array_agg(n.key), '{}') INTO changed FROM jsonb_each(to_jsonb(NEW)) AS n
    WHERE n.value IS DISTINCT FROM to_jsonb(OLD) -> n.key AND n.key NOT IN ('updated_at');
    IF (SELECT app.role() IN ('admin', 'architect')) AND changed <@ ARRAY['accuracy_score', 'is_validated', 'validated_by', 'validated_at'] THEN -- training_data_update_builders
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'no rule lets % change % of training_data', app.kind(), array_to_string(changed, ', ')
    USING ERRCODE = 'insufficient_privilege';
END
$$
;;
CREATE TRIGGER guard_training_data BEFORE UPDATE ON training_data FOR EACH ROW EXECUTE FUNCTION app.guard_training_data()
;;
ALTER TABLE transactions ENABLE ROW LEVEL SECURITY
;;
ALTER TABLE transactions FORCE ROW LEVEL SECURITY
;;
CREATE POLICY transactions_select_owner ON transactions FOR SELECT TO quantum_app, quantum_staff USING (transactions.user_id = (SELECT app.profile_id()))
;;
CREATE POLICY transactions_select_oversight ON transactions FOR SELECT TO quantum_staff USING ((SELECT app.role() IN ('admin', 'strategist')))
;;
CREATE POLICY transactions_insert_system ON transactions FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY transactions_insert_admin ON transactions FOR INSERT TO quantum_staff WITH CHECK ((SELECT app.role() IN ('admin')))
;;
CREATE POLICY transactions_update_system ON transactions FOR UPDATE TO quantum_system USING ((SELECT app.kind() = 'system')) WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY transactions_insert_import ON transactions FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'operator'))
;;
CREATE POLICY transactions_select_system ON transactions FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY transactions_select_console ON transactions FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'operator'))
;;
GRANT SELECT ON transactions TO quantum_app
;;
GRANT SELECT, INSERT ON transactions TO quantum_staff
;;
GRANT SELECT, INSERT, UPDATE (status, processed_at) ON transactions TO quantum_system
;;
CREATE FUNCTION app.guard_transactions() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    changed text[];
BEGIN
    IF NOT row_security_active(TG_RELID) THEN
        RETURN NEW;
    END IF;
    SELECT coalesce(array_agg(n.key), '{}') INTO changed FROM jsonb_each(to_jsonb(NEW)) AS n
    WHERE n.value IS DISTINCT FROM to_jsonb(OLD) -> n.key AND n.key NOT IN ('updated_at');
    IF (SELECT app.kind() = 'system') AND changed <@ ARRAY['status', 'processed_at'] THEN -- transactions_update_system
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'no rule lets % change % of transactions', app.kind(), array_to_string(changed, ', ')
    USING ERRCODE = 'insufficient_privilege';
END
$$
;;
CREATE TRIGGER guard_transactions BEFORE UPDATE ON transactions FOR EACH ROW EXECUTE FUNCTION app.guard_transactions()
;;
ALTER TABLE uptime_kept ENABLE ROW LEVEL SECURITY
;;
ALTER TABLE uptime_kept FORCE ROW LEVEL SECURITY
;;
CREATE POLICY uptime_kept_select_authenticated ON uptime_kept FOR SELECT TO quantum_app, quantum_staff USING ((SELECT app.kind() = 'person'))
;;
CREATE POLICY uptime_kept_insert_system ON uptime_kept FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY uptime_kept_update_system ON uptime_kept FOR UPDATE TO quantum_system USING ((SELECT app.kind() = 'system')) WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY uptime_kept_select_system ON uptime_kept FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY uptime_kept_select_console ON uptime_kept FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'operator'))
;;
GRANT SELECT ON uptime_kept TO quantum_app
;;
GRANT SELECT ON uptime_kept TO quantum_staff
;;
GRANT SELECT, INSERT, UPDATE ON uptime_kept TO quantum_system
;;
ALTER TABLE uptime_subjects ENABLE ROW LEVEL SECURITY
;;
ALTER TABLE uptime_subjects FORCE ROW LEVEL SECURITY
;;
CREATE POLICY uptime_subjects_select_authenticated ON uptime_subjects FOR SELECT TO quantum_app, quantum_staff USING ((SELECT app.kind() = 'person'))
;;
CREATE POLICY uptime_subjects_insert_system ON uptime_subjects FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY uptime_subjects_update_system ON uptime_subjects FOR UPDATE TO quantum_system USING ((SELECT app.kind() = 'system')) WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY uptime_subjects_select_system ON uptime_subjects FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY uptime_subjects_select_console ON uptime_subjects FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'operator'))
;;
GRANT SELECT ON uptime_subjects TO quantum_app
;;
GRANT SELECT ON uptime_subjects TO quantum_staff
;;
GRANT SELECT, INSERT, UPDATE (settled_until) ON uptime_subjects TO quantum_system
;;
CREATE FUNCTION app.guard_uptime_subjects() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    changed text[];
BEGIN
    IF NOT row_security_active(TG_RELID) THEN
        RETURN NEW;
    END IF;
    SELECT coalesce(array_agg(n.key), '{}') INTO changed FROM jsonb_each(to_jsonb(NEW)) AS n
    WHERE n.value IS DISTINCT FROM to_jsonb(OLD) -> n.key AND n.key NOT IN ('updated_at');
    IF (SELECT app.kind() = 'system') AND changed <@ ARRAY['settled_until'] THEN -- uptime_subjects_update_system
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'no rule lets % change % of uptime_subjects', app.kind(), array_to_string(changed, ', ')
    USING ERRCODE = 'insufficient_privilege';
END
$$
;;
CREATE TRIGGER guard_uptime_subjects BEFORE UPDATE ON uptime_subjects FOR EACH ROW EXECUTE FUNCTION app.guard_uptime_subjects()
;;
ALTER TABLE user_sessions ENABLE ROW LEVEL SECURITY
;;
ALTER TABLE user_sessions FORCE ROW LEVEL SECURITY
;;
CREATE POLICY user_sessions_select_owner ON user_sessions FOR SELECT TO quantum_app, quantum_staff USING (user_sessions.user_id = (SELECT app.profile_id()))
;;
CREATE POLICY user_sessions_select_oversight ON user_sessions FOR SELECT TO quantum_staff USING ((SELECT app.role() IN ('admin', 'observer')))
;;
CREATE POLICY user_sessions_insert_system ON user_sessions FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY user_sessions_update_system ON user_sessions FOR UPDATE TO quantum_system USING ((SELECT app.kind() = 'system')) WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY user_sessions_update_owner ON user_sessions FOR UPDATE TO quantum_app, quantum_staff USING (user_sessions.user_id = (SELECT app.profile_id())) WITH CHECK (user_sessions.user_id = (SELECT app.profile_id()))
;;
CREATE POLICY user_sessions_delete_owner ON user_sessions FOR DELETE TO quantum_app, quantum_staff USING (user_sessions.user_id = (SELECT app.profile_id()))
;;
CREATE POLICY user_sessions_delete_admin ON user_sessions FOR DELETE TO quantum_staff USING ((SELECT app.role() IN ('admin')))
;;
CREATE POLICY user_sessions_update_console ON user_sessions FOR UPDATE TO quantum_system USING ((SELECT app.kind() = 'operator')) WITH CHECK ((SELECT app.kind() = 'operator'))
;;
CREATE POLICY user_sessions_select_definer ON user_sessions FOR SELECT TO CURRENT_USER USING ((SELECT app.kind() = 'definer'))
;;
CREATE POLICY user_sessions_update_definer ON user_sessions FOR UPDATE TO CURRENT_USER USING ((SELECT app.kind() = 'definer')) WITH CHECK ((SELECT app.kind() = 'definer'))
;;
CREATE POLICY user_sessions_select_system ON user_sessions FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY user_sessions_select_console ON user_sessions FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'operator'))
;;
GRANT SELECT, UPDATE (is_active, updated_at), DELETE ON user_sessions TO quantum_app
;;
GRANT SELECT, UPDATE (is_active, updated_at), DELETE ON user_sessions TO quantum_staff
;;
GRANT SELECT, INSERT, UPDATE (last_activity, expires_at, is_active, updated_at, confirmed_at) ON user_sessions TO quantum_system
;;
CREATE FUNCTION app.guard_user_sessions() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    changed text[];
BEGIN
    IF NOT row_security_active(TG_RELID) THEN
        RETURN NEW;
    END IF;
    SELECT coalesce(array_agg(n.key), '{}') INTO changed FROM jsonb_each(to_jsonb(NEW)) AS n
    WHERE n.value IS DISTINCT FROM to_jsonb(OLD) -> n.key AND n.key NOT IN ('updated_at');
    IF (SELECT app.kind() = 'system') AND changed <@ ARRAY['last_activity', 'expires_at', 'is_active', 'confirmed_at'] THEN -- user_sessions_update_system
        RETURN NEW;
    END IF;
    IF "old".user_id = (SELECT app.profile_id()) AND "new".user_id = (SELECT app.profile_id()) AND changed <@ ARRAY['is_active'] AND (NOT 'is_active' = ANY (changed) OR "new".is_active IN (false)) THEN -- user_sessions_update_owner
        RETURN NEW;
    END IF;
    IF (SELECT app.kind() = 'operator') AND changed <@ ARRAY['is_active'] AND (NOT 'is_active' = ANY (changed) OR "new".is_active IN (false)) THEN -- user_sessions_update_console
        RETURN NEW;
    END IF;
    IF (SELECT app.kind() = 'definer') AND changed <@ ARRAY['is_active'] AND (NOT 'is_active' = ANY (changed) OR "new".is_active IN (false)) THEN -- user_sessions_update_definer
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'no rule lets % change % of user_sessions', app.kind(), array_to_string(changed, ', ')
    USING ERRCODE = 'insufficient_privilege';
END
$$
;;
CREATE TRIGGER guard_user_sessions BEFORE UPDATE ON user_sessions FOR EACH ROW EXECUTE FUNCTION app.guard_user_sessions()
;;
ALTER TABLE user_stats ENABLE ROW LEVEL SECURITY
;;
ALTER TABLE user_stats FORCE ROW LEVEL SECURITY
;;
CREATE POLICY user_stats_insert_console ON user_stats FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'operator'))
;;
CREATE POLICY user_stats_select_owner ON user_stats FOR SELECT TO quantum_app, quantum_staff USING (user_stats.user_id = (SELECT app.profile_id()))
;;
CREATE POLICY user_stats_select_admin ON user_stats FOR SELECT TO quantum_staff USING ((SELECT app.role() IN ('admin')))
;;
CREATE POLICY user_stats_insert_signup ON user_stats FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY user_stats_update_engine ON user_stats FOR UPDATE TO quantum_system USING ((SELECT app.kind() = 'system')) WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY user_stats_select_system ON user_stats FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY user_stats_select_console ON user_stats FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'operator'))
;;
GRANT SELECT ON user_stats TO quantum_app
;;
GRANT SELECT ON user_stats TO quantum_staff
;;
GRANT SELECT, INSERT, UPDATE (xp_points, level, streak_days, total_tasks_completed, total_deals_closed, total_tickets_resolved, badges, last_activity_date, updated_at) ON user_stats TO quantum_system
;;
CREATE FUNCTION app.guard_user_stats() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    changed text[];
BEGIN
    IF NOT row_security_active(TG_RELID) THEN
        RETURN NEW;
    END IF;
    SELECT coalesce(array_agg(n.key), '{}') INTO changed FROM jsonb_each(to_jsonb(NEW)) AS n
    WHERE n.value IS DISTINCT FROM to_jsonb(OLD) -> n.key AND n.key NOT IN ('updated_at');
    IF (SELECT app.kind() = 'system') AND changed <@ ARRAY['xp_points', 'level', 'streak_days', 'total_tasks_completed', 'total_deals_closed', 'total_tickets_resolved', 'badges', 'last_activity_date', 'updated_at'] THEN -- user_stats_update_engine
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'no rule lets % change % of user_stats', app.kind(), array_to_string(changed, ', ')
    USING ERRCODE = 'insufficient_privilege';
END
$$
;;
CREATE TRIGGER guard_user_stats BEFORE UPDATE ON user_stats FOR EACH ROW EXECUTE FUNCTION app.guard_user_stats()
;;
ALTER TABLE watched_hours ENABLE ROW LEVEL SECURITY
;;
ALTER TABLE watched_hours FORCE ROW LEVEL SECURITY
;;
CREATE POLICY watched_hours_select_authenticated ON watched_hours FOR SELECT TO quantum_app, quantum_staff USING ((SELECT app.kind() = 'person'))
;;
CREATE POLICY watched_hours_insert_system ON watched_hours FOR INSERT TO quantum_system WITH CHECK ((SELECT app.kind() = 'system'))
;;
CREATE POLICY watched_hours_delete_system ON watched_hours FOR DELETE TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY watched_hours_select_system ON watched_hours FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'system'))
;;
CREATE POLICY watched_hours_select_console ON watched_hours FOR SELECT TO quantum_system USING ((SELECT app.kind() = 'operator'))
;;
GRANT SELECT ON watched_hours TO quantum_app
;;
GRANT SELECT ON watched_hours TO quantum_staff
;;
GRANT SELECT, INSERT, DELETE ON watched_hours TO quantum_system
;;
CREATE VIEW profile_directory WITH (security_barrier) AS SELECT id, username, full_name, avatar_url, role FROM profiles
WHERE (SELECT app.kind()) IN ('person', 'system', 'operator')
;;
GRANT USAGE ON SCHEMA app TO quantum_app, quantum_staff, quantum_system
;;
GRANT SELECT ON profile_directory TO quantum_app, quantum_staff, quantum_system
;;
GRANT EXECUTE ON FUNCTION audit_head() TO quantum_app, quantum_staff, quantum_system
;;
GRANT EXECUTE ON FUNCTION audit_append(text) TO quantum_app, quantum_staff, quantum_system
;;
GRANT EXECUTE ON FUNCTION make_month(text, date, bigint) TO quantum_system
;;
GRANT EXECUTE ON FUNCTION drop_month(text, bigint) TO quantum_system
;;
GRANT EXECUTE ON FUNCTION survey_months(text) TO quantum_system
;;
GRANT SELECT ON alembic_version TO quantum_app, quantum_staff, quantum_system
-- down
DROP VIEW profile_directory
;;
DROP POLICY account_links_insert_system ON account_links
;;
DROP POLICY account_links_update_system ON account_links
;;
DROP POLICY account_links_delete_system ON account_links
;;
DROP POLICY account_links_insert_console ON account_links
;;
DROP POLICY account_links_update_console ON account_links
;;
DROP POLICY account_links_select_system ON account_links
;;
DROP POLICY account_links_select_console ON account_links
;;
ALTER TABLE account_links NO FORCE ROW LEVEL SECURITY
;;
ALTER TABLE account_links DISABLE ROW LEVEL SECURITY
;;
REVOKE ALL ON account_links FROM quantum_app, quantum_staff, quantum_system
;;
DROP TRIGGER guard_achievements ON achievements
;;
DROP FUNCTION app.guard_achievements()
;;
DROP POLICY achievements_select_authenticated ON achievements
;;
DROP POLICY achievements_insert_builders ON achievements
;;
DROP POLICY achievements_update_builders ON achievements
;;
DROP POLICY achievements_delete_admin ON achievements
;;
DROP POLICY achievements_insert_import ON achievements
;;
DROP POLICY achievements_select_system ON achievements
;;
DROP POLICY achievements_select_console ON achievements
;;
ALTER TABLE achievements NO FORCE ROW LEVEL SECURITY
;;
ALTER TABLE achievements DISABLE ROW LEVEL SECURITY
;;
REVOKE ALL ON achievements FROM quantum_app, quantum_staff, quantum_system
;;
DROP TRIGGER guard_agent_connections ON agent_connections
;;
DROP FUNCTION app.guard_agent_connections()
;;
DROP POLICY agent_connections_select_authenticated ON agent_connections
;;
DROP POLICY agent_connections_insert_builders ON agent_connections
;;
DROP POLICY agent_connections_insert_measure ON agent_connections
;;
DROP POLICY agent_connections_update_builders ON agent_connections
;;
DROP POLICY agent_connections_update_measure ON agent_connections
;;
DROP POLICY agent_connections_delete_builders ON agent_connections
;;
DROP POLICY agent_connections_insert_console ON agent_connections
;;
DROP POLICY agent_connections_update_console ON agent_connections
;;
DROP POLICY agent_connections_select_system ON agent_connections
;;
DROP POLICY agent_connections_select_console ON agent_connections
;;
ALTER TABLE agent_connections NO FORCE ROW LEVEL SECURITY
;;
ALTER TABLE agent_connections DISABLE ROW LEVEL SECURITY
;;
REVOKE ALL ON agent_connections FROM quantum_app, quantum_staff, quantum_system
;;
DROP POLICY agent_logs_select_authenticated ON agent_logs
;;
DROP POLICY agent_logs_insert_worker ON agent_logs
;;
DROP POLICY agent_logs_delete_retention ON agent_logs
;;
DROP POLICY agent_logs_select_system ON agent_logs
;;
DROP POLICY agent_logs_select_console ON agent_logs
;;
ALTER TABLE agent_logs NO FORCE ROW LEVEL SECURITY
;;
ALTER TABLE agent_logs DISABLE ROW LEVEL SECURITY
;;
REVOKE ALL ON agent_logs FROM quantum_app, quantum_staff, quantum_system
;;
DROP POLICY agent_rollups_select_authenticated ON agent_rollups
;;
DROP POLICY agent_rollups_insert_rollup ON agent_rollups
;;
DROP POLICY agent_rollups_delete_rollup ON agent_rollups
;;
DROP POLICY agent_rollups_select_system ON agent_rollups
;;
DROP POLICY agent_rollups_select_console ON agent_rollups
;;
ALTER TABLE agent_rollups NO FORCE ROW LEVEL SECURITY
;;
ALTER TABLE agent_rollups DISABLE ROW LEVEL SECURITY
;;
REVOKE ALL ON agent_rollups FROM quantum_app, quantum_staff, quantum_system
;;
DROP TRIGGER guard_agents ON agents
;;
DROP FUNCTION app.guard_agents()
;;
DROP POLICY agents_select_authenticated ON agents
;;
DROP POLICY agents_insert_builders ON agents
;;
DROP POLICY agents_insert_observed ON agents
;;
DROP POLICY agents_update_builders ON agents
;;
DROP POLICY agents_update_worker ON agents
;;
DROP POLICY agents_delete_admin ON agents
;;
DROP POLICY agents_insert_console ON agents
;;
DROP POLICY agents_select_system ON agents
;;
DROP POLICY agents_select_console ON agents
;;
ALTER TABLE agents NO FORCE ROW LEVEL SECURITY
;;
ALTER TABLE agents DISABLE ROW LEVEL SECURITY
;;
REVOKE ALL ON agents FROM quantum_app, quantum_staff, quantum_system
;;
DROP TRIGGER guard_ai_models ON ai_models
;;
DROP FUNCTION app.guard_ai_models()
;;
DROP POLICY ai_models_select_authenticated ON ai_models
;;
DROP POLICY ai_models_insert_builders ON ai_models
;;
DROP POLICY ai_models_update_builders ON ai_models
;;
DROP POLICY ai_models_update_worker ON ai_models
;;
DROP POLICY ai_models_delete_admin ON ai_models
;;
DROP POLICY ai_models_insert_import ON ai_models
;;
DROP POLICY ai_models_select_system ON ai_models
;;
DROP POLICY ai_models_select_console ON ai_models
;;
ALTER TABLE ai_models NO FORCE ROW LEVEL SECURITY
;;
ALTER TABLE ai_models DISABLE ROW LEVEL SECURITY
;;
REVOKE ALL ON ai_models FROM quantum_app, quantum_staff, quantum_system
;;
DROP POLICY annotations_select_authenticated ON annotations
;;
DROP POLICY annotations_insert_console ON annotations
;;
DROP POLICY annotations_delete_console ON annotations
;;
DROP POLICY annotations_select_system ON annotations
;;
DROP POLICY annotations_select_console ON annotations
;;
ALTER TABLE annotations NO FORCE ROW LEVEL SECURITY
;;
ALTER TABLE annotations DISABLE ROW LEVEL SECURITY
;;
REVOKE ALL ON annotations FROM quantum_app, quantum_staff, quantum_system
;;
DROP TRIGGER guard_api_keys ON api_keys
;;
DROP FUNCTION app.guard_api_keys()
;;
DROP POLICY api_keys_select_owner ON api_keys
;;
DROP POLICY api_keys_select_admin ON api_keys
;;
DROP POLICY api_keys_insert_owner ON api_keys
;;
DROP POLICY api_keys_update_owner ON api_keys
;;
DROP POLICY api_keys_update_admin ON api_keys
;;
DROP POLICY api_keys_update_system ON api_keys
;;
DROP POLICY api_keys_delete_owner ON api_keys
;;
DROP POLICY api_keys_insert_console ON api_keys
;;
DROP POLICY api_keys_update_console ON api_keys
;;
DROP POLICY api_keys_select_system ON api_keys
;;
DROP POLICY api_keys_select_console ON api_keys
;;
ALTER TABLE api_keys NO FORCE ROW LEVEL SECURITY
;;
ALTER TABLE api_keys DISABLE ROW LEVEL SECURITY
;;
REVOKE ALL ON api_keys FROM quantum_app, quantum_staff, quantum_system
;;
DROP POLICY api_logs_select_owner ON api_logs
;;
DROP POLICY api_logs_select_oversight ON api_logs
;;
DROP POLICY api_logs_insert_system ON api_logs
;;
DROP POLICY api_logs_delete_retention ON api_logs
;;
DROP POLICY api_logs_insert_import ON api_logs
;;
DROP POLICY api_logs_select_system ON api_logs
;;
DROP POLICY api_logs_select_console ON api_logs
;;
ALTER TABLE api_logs NO FORCE ROW LEVEL SECURITY
;;
ALTER TABLE api_logs DISABLE ROW LEVEL SECURITY
;;
REVOKE ALL ON api_logs FROM quantum_app, quantum_staff, quantum_system
;;
DROP POLICY api_rollups_select_owner ON api_rollups
;;
DROP POLICY api_rollups_select_oversight ON api_rollups
;;
DROP POLICY api_rollups_insert_rollup ON api_rollups
;;
DROP POLICY api_rollups_delete_rollup ON api_rollups
;;
DROP POLICY api_rollups_select_system ON api_rollups
;;
DROP POLICY api_rollups_select_console ON api_rollups
;;
ALTER TABLE api_rollups NO FORCE ROW LEVEL SECURITY
;;
ALTER TABLE api_rollups DISABLE ROW LEVEL SECURITY
;;
REVOKE ALL ON api_rollups FROM quantum_app, quantum_staff, quantum_system
;;
DROP POLICY audit_heads_insert_system ON audit_heads
;;
DROP POLICY audit_heads_select_oversight ON audit_heads
;;
DROP POLICY audit_heads_select_system ON audit_heads
;;
DROP POLICY audit_heads_select_console ON audit_heads
;;
ALTER TABLE audit_heads NO FORCE ROW LEVEL SECURITY
;;
ALTER TABLE audit_heads DISABLE ROW LEVEL SECURITY
;;
REVOKE ALL ON audit_heads FROM quantum_app, quantum_staff, quantum_system
;;
DROP POLICY audit_log_select_owner ON audit_log
;;
DROP POLICY audit_log_select_oversight ON audit_log
;;
DROP POLICY audit_log_insert_system ON audit_log
;;
DROP POLICY audit_log_select_definer ON audit_log
;;
DROP POLICY audit_log_insert_definer ON audit_log
;;
DROP POLICY audit_log_select_system ON audit_log
;;
DROP POLICY audit_log_select_console ON audit_log
;;
ALTER TABLE audit_log NO FORCE ROW LEVEL SECURITY
;;
ALTER TABLE audit_log DISABLE ROW LEVEL SECURITY
;;
REVOKE ALL ON audit_log FROM quantum_app, quantum_staff, quantum_system
;;
DROP TRIGGER guard_auth_account ON auth_account
;;
DROP FUNCTION app.guard_auth_account()
;;
DROP POLICY auth_account_insert_system ON auth_account
;;
DROP POLICY auth_account_update_system ON auth_account
;;
DROP POLICY auth_account_delete_system ON auth_account
;;
DROP POLICY auth_account_insert_console ON auth_account
;;
DROP POLICY auth_account_update_console ON auth_account
;;
DROP POLICY auth_account_select_definer ON auth_account
;;
DROP POLICY auth_account_update_definer ON auth_account
;;
DROP POLICY auth_account_select_system ON auth_account
;;
DROP POLICY auth_account_select_console ON auth_account
;;
ALTER TABLE auth_account NO FORCE ROW LEVEL SECURITY
;;
ALTER TABLE auth_account DISABLE ROW LEVEL SECURITY
;;
REVOKE ALL ON auth_account FROM quantum_app, quantum_staff, quantum_system
;;
DROP POLICY call_rollups_select_authenticated ON call_rollups
;;
DROP POLICY call_rollups_insert_rollup ON call_rollups
;;
DROP POLICY call_rollups_delete_rollup ON call_rollups
;;
DROP POLICY call_rollups_select_system ON call_rollups
;;
DROP POLICY call_rollups_select_console ON call_rollups
;;
ALTER TABLE call_rollups NO FORCE ROW LEVEL SECURITY
;;
ALTER TABLE call_rollups DISABLE ROW LEVEL SECURITY
;;
REVOKE ALL ON call_rollups FROM quantum_app, quantum_staff, quantum_system
;;
DROP POLICY calls_select_authenticated ON calls
;;
DROP POLICY calls_insert_ingest ON calls
;;
DROP POLICY calls_update_ingest ON calls
;;
DROP POLICY calls_delete_ingest ON calls
;;
DROP POLICY calls_select_system ON calls
;;
DROP POLICY calls_select_console ON calls
;;
ALTER TABLE calls NO FORCE ROW LEVEL SECURITY
;;
ALTER TABLE calls DISABLE ROW LEVEL SECURITY
;;
REVOKE ALL ON calls FROM quantum_app, quantum_staff, quantum_system
;;
DROP POLICY catalogue_seeds_insert_console ON catalogue_seeds
;;
DROP POLICY catalogue_seeds_select_system ON catalogue_seeds
;;
DROP POLICY catalogue_seeds_select_console ON catalogue_seeds
;;
ALTER TABLE catalogue_seeds NO FORCE ROW LEVEL SECURITY
;;
ALTER TABLE catalogue_seeds DISABLE ROW LEVEL SECURITY
;;
REVOKE ALL ON catalogue_seeds FROM quantum_app, quantum_staff, quantum_system
;;
DROP POLICY check_days_select_authenticated ON check_days
;;
DROP POLICY check_days_insert_system ON check_days
;;
DROP POLICY check_days_select_system ON check_days
;;
DROP POLICY check_days_select_console ON check_days
;;
ALTER TABLE check_days NO FORCE ROW LEVEL SECURITY
;;
ALTER TABLE check_days DISABLE ROW LEVEL SECURITY
;;
REVOKE ALL ON check_days FROM quantum_app, quantum_staff, quantum_system
;;
DROP POLICY check_results_select_authenticated ON check_results
;;
DROP POLICY check_results_insert_system ON check_results
;;
DROP POLICY check_results_delete_system ON check_results
;;
DROP POLICY check_results_insert_console ON check_results
;;
DROP POLICY check_results_select_system ON check_results
;;
DROP POLICY check_results_select_console ON check_results
;;
ALTER TABLE check_results NO FORCE ROW LEVEL SECURITY
;;
ALTER TABLE check_results DISABLE ROW LEVEL SECURITY
;;
REVOKE ALL ON check_results FROM quantum_app, quantum_staff, quantum_system
;;
DROP TRIGGER guard_checks ON checks
;;
DROP FUNCTION app.guard_checks()
;;
DROP POLICY checks_select_authenticated ON checks
;;
DROP POLICY checks_insert_builders ON checks
;;
DROP POLICY checks_update_builders ON checks
;;
DROP POLICY checks_delete_builders ON checks
;;
DROP POLICY checks_update_system ON checks
;;
DROP POLICY checks_insert_console ON checks
;;
DROP POLICY checks_select_system ON checks
;;
DROP POLICY checks_select_console ON checks
;;
ALTER TABLE checks NO FORCE ROW LEVEL SECURITY
;;
ALTER TABLE checks DISABLE ROW LEVEL SECURITY
;;
REVOKE ALL ON checks FROM quantum_app, quantum_staff, quantum_system
;;
DROP TRIGGER guard_corrections ON corrections
;;
DROP FUNCTION app.guard_corrections()
;;
DROP POLICY corrections_select_authenticated ON corrections
;;
DROP POLICY corrections_insert_admin ON corrections
;;
DROP POLICY corrections_update_system ON corrections
;;
DROP POLICY corrections_select_system ON corrections
;;
DROP POLICY corrections_select_console ON corrections
;;
ALTER TABLE corrections NO FORCE ROW LEVEL SECURITY
;;
ALTER TABLE corrections DISABLE ROW LEVEL SECURITY
;;
REVOKE ALL ON corrections FROM quantum_app, quantum_staff, quantum_system
;;
DROP POLICY deal_activities_select_deal_owner ON deal_activities
;;
DROP POLICY deal_activities_select_oversight ON deal_activities
;;
DROP POLICY deal_activities_insert_deal_owner ON deal_activities
;;
DROP POLICY deal_activities_delete_admin ON deal_activities
;;
DROP POLICY deal_activities_insert_import ON deal_activities
;;
DROP POLICY deal_activities_select_system ON deal_activities
;;
DROP POLICY deal_activities_select_console ON deal_activities
;;
ALTER TABLE deal_activities NO FORCE ROW LEVEL SECURITY
;;
ALTER TABLE deal_activities DISABLE ROW LEVEL SECURITY
;;
REVOKE ALL ON deal_activities FROM quantum_app, quantum_staff, quantum_system
;;
DROP TRIGGER guard_deals ON deals
;;
DROP FUNCTION app.guard_deals()
;;
DROP POLICY deals_select_owner ON deals
;;
DROP POLICY deals_select_oversight ON deals
;;
DROP POLICY deals_insert_owner ON deals
;;
DROP POLICY deals_update_owner ON deals
;;
DROP POLICY deals_update_admin ON deals
;;
DROP POLICY deals_delete_owner ON deals
;;
DROP POLICY deals_delete_admin ON deals
;;
DROP POLICY deals_insert_import ON deals
;;
DROP POLICY deals_select_system ON deals
;;
DROP POLICY deals_select_console ON deals
;;
ALTER TABLE deals NO FORCE ROW LEVEL SECURITY
;;
ALTER TABLE deals DISABLE ROW LEVEL SECURITY
;;
REVOKE ALL ON deals FROM quantum_app, quantum_staff, quantum_system
;;
DROP TRIGGER guard_exempt_times ON exempt_times
;;
DROP FUNCTION app.guard_exempt_times()
;;
DROP POLICY exempt_times_select_authenticated ON exempt_times
;;
DROP POLICY exempt_times_insert_builders ON exempt_times
;;
DROP POLICY exempt_times_update_builders ON exempt_times
;;
DROP POLICY exempt_times_update_system ON exempt_times
;;
DROP POLICY exempt_times_select_system ON exempt_times
;;
DROP POLICY exempt_times_select_console ON exempt_times
;;
ALTER TABLE exempt_times NO FORCE ROW LEVEL SECURITY
;;
ALTER TABLE exempt_times DISABLE ROW LEVEL SECURITY
;;
REVOKE ALL ON exempt_times FROM quantum_app, quantum_staff, quantum_system
;;
DROP POLICY fleet_rollups_select_authenticated ON fleet_rollups
;;
DROP POLICY fleet_rollups_insert_rollup ON fleet_rollups
;;
DROP POLICY fleet_rollups_delete_rollup ON fleet_rollups
;;
DROP POLICY fleet_rollups_select_system ON fleet_rollups
;;
DROP POLICY fleet_rollups_select_console ON fleet_rollups
;;
ALTER TABLE fleet_rollups NO FORCE ROW LEVEL SECURITY
;;
ALTER TABLE fleet_rollups DISABLE ROW LEVEL SECURITY
;;
REVOKE ALL ON fleet_rollups FROM quantum_app, quantum_staff, quantum_system
;;
DROP TRIGGER guard_heard_stretches ON heard_stretches
;;
DROP FUNCTION app.guard_heard_stretches()
;;
DROP POLICY heard_stretches_select_authenticated ON heard_stretches
;;
DROP POLICY heard_stretches_insert_system ON heard_stretches
;;
DROP POLICY heard_stretches_delete_system ON heard_stretches
;;
DROP POLICY heard_stretches_update_system ON heard_stretches
;;
DROP POLICY heard_stretches_select_system ON heard_stretches
;;
DROP POLICY heard_stretches_select_console ON heard_stretches
;;
ALTER TABLE heard_stretches NO FORCE ROW LEVEL SECURITY
;;
ALTER TABLE heard_stretches DISABLE ROW LEVEL SECURITY
;;
REVOKE ALL ON heard_stretches FROM quantum_app, quantum_staff, quantum_system
;;
DROP TRIGGER guard_invoices ON invoices
;;
DROP FUNCTION app.guard_invoices()
;;
DROP POLICY invoices_select_owner ON invoices
;;
DROP POLICY invoices_select_oversight ON invoices
;;
DROP POLICY invoices_insert_owner ON invoices
;;
DROP POLICY invoices_update_owner ON invoices
;;
DROP POLICY invoices_update_admin ON invoices
;;
DROP POLICY invoices_delete_owner ON invoices
;;
DROP POLICY invoices_insert_import ON invoices
;;
DROP POLICY invoices_select_system ON invoices
;;
DROP POLICY invoices_select_console ON invoices
;;
ALTER TABLE invoices NO FORCE ROW LEVEL SECURITY
;;
ALTER TABLE invoices DISABLE ROW LEVEL SECURITY
;;
REVOKE ALL ON invoices FROM quantum_app, quantum_staff, quantum_system
;;
DROP POLICY jobs_select_authenticated ON jobs
;;
DROP POLICY jobs_insert_system ON jobs
;;
DROP POLICY jobs_update_system ON jobs
;;
DROP POLICY jobs_select_system ON jobs
;;
DROP POLICY jobs_select_console ON jobs
;;
ALTER TABLE jobs NO FORCE ROW LEVEL SECURITY
;;
ALTER TABLE jobs DISABLE ROW LEVEL SECURITY
;;
REVOKE ALL ON jobs FROM quantum_app, quantum_staff, quantum_system
;;
DROP POLICY leaderboard_select_authenticated ON leaderboard
;;
DROP POLICY leaderboard_insert_engine ON leaderboard
;;
DROP POLICY leaderboard_delete_retention ON leaderboard
;;
DROP POLICY leaderboard_insert_import ON leaderboard
;;
DROP POLICY leaderboard_select_system ON leaderboard
;;
DROP POLICY leaderboard_select_console ON leaderboard
;;
ALTER TABLE leaderboard NO FORCE ROW LEVEL SECURITY
;;
ALTER TABLE leaderboard DISABLE ROW LEVEL SECURITY
;;
REVOKE ALL ON leaderboard FROM quantum_app, quantum_staff, quantum_system
;;
DROP POLICY log_rollups_select_authenticated ON log_rollups
;;
DROP POLICY log_rollups_insert_rollup ON log_rollups
;;
DROP POLICY log_rollups_delete_rollup ON log_rollups
;;
DROP POLICY log_rollups_select_system ON log_rollups
;;
DROP POLICY log_rollups_select_console ON log_rollups
;;
ALTER TABLE log_rollups NO FORCE ROW LEVEL SECURITY
;;
ALTER TABLE log_rollups DISABLE ROW LEVEL SECURITY
;;
REVOKE ALL ON log_rollups FROM quantum_app, quantum_staff, quantum_system
;;
DROP POLICY measurement_rollups_select_authenticated ON measurement_rollups
;;
DROP POLICY measurement_rollups_insert_rollup ON measurement_rollups
;;
DROP POLICY measurement_rollups_delete_rollup ON measurement_rollups
;;
DROP POLICY measurement_rollups_select_system ON measurement_rollups
;;
DROP POLICY measurement_rollups_select_console ON measurement_rollups
;;
ALTER TABLE measurement_rollups NO FORCE ROW LEVEL SECURITY
;;
ALTER TABLE measurement_rollups DISABLE ROW LEVEL SECURITY
;;
REVOKE ALL ON measurement_rollups FROM quantum_app, quantum_staff, quantum_system
;;
DROP TRIGGER guard_network_nodes ON network_nodes
;;
DROP FUNCTION app.guard_network_nodes()
;;
DROP POLICY network_nodes_select_authenticated ON network_nodes
;;
DROP POLICY network_nodes_insert_builders ON network_nodes
;;
DROP POLICY network_nodes_insert_observed ON network_nodes
;;
DROP POLICY network_nodes_update_builders ON network_nodes
;;
DROP POLICY network_nodes_update_measure ON network_nodes
;;
DROP POLICY network_nodes_delete_builders ON network_nodes
;;
DROP POLICY network_nodes_insert_console ON network_nodes
;;
DROP POLICY network_nodes_update_console ON network_nodes
;;
DROP POLICY network_nodes_select_system ON network_nodes
;;
DROP POLICY network_nodes_select_console ON network_nodes
;;
ALTER TABLE network_nodes NO FORCE ROW LEVEL SECURITY
;;
ALTER TABLE network_nodes DISABLE ROW LEVEL SECURITY
;;
REVOKE ALL ON network_nodes FROM quantum_app, quantum_staff, quantum_system
;;
DROP POLICY objectives_select_authenticated ON objectives
;;
DROP POLICY objectives_insert_builders ON objectives
;;
DROP POLICY objectives_update_builders ON objectives
;;
DROP POLICY objectives_delete_builders ON objectives
;;
DROP POLICY objectives_select_system ON objectives
;;
DROP POLICY objectives_select_console ON objectives
;;
ALTER TABLE objectives NO FORCE ROW LEVEL SECURITY
;;
ALTER TABLE objectives DISABLE ROW LEVEL SECURITY
;;
REVOKE ALL ON objectives FROM quantum_app, quantum_staff, quantum_system
;;
DROP POLICY one_time_codes_insert_system ON one_time_codes
;;
DROP POLICY one_time_codes_update_system ON one_time_codes
;;
DROP POLICY one_time_codes_delete_system ON one_time_codes
;;
DROP POLICY one_time_codes_select_system ON one_time_codes
;;
DROP POLICY one_time_codes_select_console ON one_time_codes
;;
ALTER TABLE one_time_codes NO FORCE ROW LEVEL SECURITY
;;
ALTER TABLE one_time_codes DISABLE ROW LEVEL SECURITY
;;
REVOKE ALL ON one_time_codes FROM quantum_app, quantum_staff, quantum_system
;;
DROP POLICY outgoing_mail_insert_system ON outgoing_mail
;;
DROP POLICY outgoing_mail_update_system ON outgoing_mail
;;
DROP POLICY outgoing_mail_delete_system ON outgoing_mail
;;
DROP POLICY outgoing_mail_select_system ON outgoing_mail
;;
DROP POLICY outgoing_mail_select_console ON outgoing_mail
;;
ALTER TABLE outgoing_mail NO FORCE ROW LEVEL SECURITY
;;
ALTER TABLE outgoing_mail DISABLE ROW LEVEL SECURITY
;;
REVOKE ALL ON outgoing_mail FROM quantum_app, quantum_staff, quantum_system
;;
DROP TRIGGER guard_predictions ON predictions
;;
DROP FUNCTION app.guard_predictions()
;;
DROP POLICY predictions_select_owner ON predictions
;;
DROP POLICY predictions_select_builders ON predictions
;;
DROP POLICY predictions_insert_worker ON predictions
;;
DROP POLICY predictions_update_owner ON predictions
;;
DROP POLICY predictions_delete_admin ON predictions
;;
DROP POLICY predictions_insert_import ON predictions
;;
DROP POLICY predictions_select_system ON predictions
;;
DROP POLICY predictions_select_console ON predictions
;;
ALTER TABLE predictions NO FORCE ROW LEVEL SECURITY
;;
ALTER TABLE predictions DISABLE ROW LEVEL SECURITY
;;
REVOKE ALL ON predictions FROM quantum_app, quantum_staff, quantum_system
;;
DROP TRIGGER guard_profiles ON profiles
;;
DROP FUNCTION app.guard_profiles()
;;
DROP POLICY profiles_select_self ON profiles
;;
DROP POLICY profiles_select_directory ON profiles
;;
DROP POLICY profiles_select_admin ON profiles
;;
DROP POLICY profiles_insert_signup ON profiles
;;
DROP POLICY profiles_update_self ON profiles
;;
DROP POLICY profiles_update_admin ON profiles
;;
DROP POLICY profiles_delete_self ON profiles
;;
DROP POLICY profiles_delete_admin ON profiles
;;
DROP POLICY profiles_update_closing ON profiles
;;
DROP POLICY profiles_update_console ON profiles
;;
DROP POLICY profiles_insert_console ON profiles
;;
DROP POLICY profiles_select_system ON profiles
;;
DROP POLICY profiles_select_console ON profiles
;;
ALTER TABLE profiles NO FORCE ROW LEVEL SECURITY
;;
ALTER TABLE profiles DISABLE ROW LEVEL SECURITY
;;
REVOKE ALL ON profiles FROM quantum_app, quantum_staff, quantum_system
;;
DROP POLICY provider_usage_select_managers ON provider_usage
;;
DROP POLICY provider_usage_insert_console ON provider_usage
;;
DROP POLICY provider_usage_delete_console ON provider_usage
;;
DROP POLICY provider_usage_select_system ON provider_usage
;;
DROP POLICY provider_usage_select_console ON provider_usage
;;
ALTER TABLE provider_usage NO FORCE ROW LEVEL SECURITY
;;
ALTER TABLE provider_usage DISABLE ROW LEVEL SECURITY
;;
REVOKE ALL ON provider_usage FROM quantum_app, quantum_staff, quantum_system
;;
DROP TRIGGER guard_rate_limits ON rate_limits
;;
DROP FUNCTION app.guard_rate_limits()
;;
DROP POLICY rate_limits_select_owner ON rate_limits
;;
DROP POLICY rate_limits_select_admin ON rate_limits
;;
DROP POLICY rate_limits_insert_system ON rate_limits
;;
DROP POLICY rate_limits_update_system ON rate_limits
;;
DROP POLICY rate_limits_update_admin ON rate_limits
;;
DROP POLICY rate_limits_delete_admin ON rate_limits
;;
DROP POLICY rate_limits_insert_import ON rate_limits
;;
DROP POLICY rate_limits_select_system ON rate_limits
;;
DROP POLICY rate_limits_select_console ON rate_limits
;;
ALTER TABLE rate_limits NO FORCE ROW LEVEL SECURITY
;;
ALTER TABLE rate_limits DISABLE ROW LEVEL SECURITY
;;
REVOKE ALL ON rate_limits FROM quantum_app, quantum_staff, quantum_system
;;
DROP POLICY recovery_codes_insert_system ON recovery_codes
;;
DROP POLICY recovery_codes_update_system ON recovery_codes
;;
DROP POLICY recovery_codes_delete_system ON recovery_codes
;;
DROP POLICY recovery_codes_select_system ON recovery_codes
;;
DROP POLICY recovery_codes_select_console ON recovery_codes
;;
ALTER TABLE recovery_codes NO FORCE ROW LEVEL SECURITY
;;
ALTER TABLE recovery_codes DISABLE ROW LEVEL SECURITY
;;
REVOKE ALL ON recovery_codes FROM quantum_app, quantum_staff, quantum_system
;;
DROP POLICY role_requirements_insert_system ON role_requirements
;;
DROP POLICY role_requirements_update_system ON role_requirements
;;
DROP POLICY role_requirements_delete_system ON role_requirements
;;
DROP POLICY role_requirements_select_system ON role_requirements
;;
DROP POLICY role_requirements_select_console ON role_requirements
;;
ALTER TABLE role_requirements NO FORCE ROW LEVEL SECURITY
;;
ALTER TABLE role_requirements DISABLE ROW LEVEL SECURITY
;;
REVOKE ALL ON role_requirements FROM quantum_app, quantum_staff, quantum_system
;;
DROP POLICY rollup_kept_select_authenticated ON rollup_kept
;;
DROP POLICY rollup_kept_insert_rollup ON rollup_kept
;;
DROP POLICY rollup_kept_update_rollup ON rollup_kept
;;
DROP POLICY rollup_kept_select_system ON rollup_kept
;;
DROP POLICY rollup_kept_select_console ON rollup_kept
;;
ALTER TABLE rollup_kept NO FORCE ROW LEVEL SECURITY
;;
ALTER TABLE rollup_kept DISABLE ROW LEVEL SECURITY
;;
REVOKE ALL ON rollup_kept FROM quantum_app, quantum_staff, quantum_system
;;
DROP POLICY rollup_touched_select_authenticated ON rollup_touched
;;
DROP POLICY rollup_touched_insert_rollup ON rollup_touched
;;
DROP POLICY rollup_touched_delete_rollup ON rollup_touched
;;
DROP POLICY rollup_touched_insert_import ON rollup_touched
;;
DROP POLICY rollup_touched_select_system ON rollup_touched
;;
DROP POLICY rollup_touched_select_console ON rollup_touched
;;
ALTER TABLE rollup_touched NO FORCE ROW LEVEL SECURITY
;;
ALTER TABLE rollup_touched DISABLE ROW LEVEL SECURITY
;;
REVOKE ALL ON rollup_touched FROM quantum_app, quantum_staff, quantum_system
;;
DROP POLICY second_factors_insert_system ON second_factors
;;
DROP POLICY second_factors_update_system ON second_factors
;;
DROP POLICY second_factors_delete_system ON second_factors
;;
DROP POLICY second_factors_select_system ON second_factors
;;
DROP POLICY second_factors_select_console ON second_factors
;;
ALTER TABLE second_factors NO FORCE ROW LEVEL SECURITY
;;
ALTER TABLE second_factors DISABLE ROW LEVEL SECURITY
;;
REVOKE ALL ON second_factors FROM quantum_app, quantum_staff, quantum_system
;;
DROP TRIGGER guard_security_events ON security_events
;;
DROP FUNCTION app.guard_security_events()
;;
DROP POLICY security_events_select_owner ON security_events
;;
DROP POLICY security_events_select_oversight ON security_events
;;
DROP POLICY security_events_insert_system ON security_events
;;
DROP POLICY security_events_update_resolve ON security_events
;;
DROP POLICY security_events_update_count ON security_events
;;
DROP POLICY security_events_insert_import ON security_events
;;
DROP POLICY security_events_select_system ON security_events
;;
DROP POLICY security_events_select_console ON security_events
;;
ALTER TABLE security_events NO FORCE ROW LEVEL SECURITY
;;
ALTER TABLE security_events DISABLE ROW LEVEL SECURITY
;;
REVOKE ALL ON security_events FROM quantum_app, quantum_staff, quantum_system
;;
DROP POLICY senders_select_authenticated ON senders
;;
DROP POLICY senders_insert_ingest ON senders
;;
DROP POLICY senders_update_ingest ON senders
;;
DROP POLICY senders_delete_ingest ON senders
;;
DROP POLICY senders_select_system ON senders
;;
DROP POLICY senders_select_console ON senders
;;
ALTER TABLE senders NO FORCE ROW LEVEL SECURITY
;;
ALTER TABLE senders DISABLE ROW LEVEL SECURITY
;;
REVOKE ALL ON senders FROM quantum_app, quantum_staff, quantum_system
;;
DROP POLICY sign_in_limits_insert_system ON sign_in_limits
;;
DROP POLICY sign_in_limits_update_system ON sign_in_limits
;;
DROP POLICY sign_in_limits_delete_system ON sign_in_limits
;;
DROP POLICY sign_in_limits_select_system ON sign_in_limits
;;
DROP POLICY sign_in_limits_select_console ON sign_in_limits
;;
ALTER TABLE sign_in_limits NO FORCE ROW LEVEL SECURITY
;;
ALTER TABLE sign_in_limits DISABLE ROW LEVEL SECURITY
;;
REVOKE ALL ON sign_in_limits FROM quantum_app, quantum_staff, quantum_system
;;
DROP TRIGGER guard_social_posts ON social_posts
;;
DROP FUNCTION app.guard_social_posts()
;;
DROP POLICY social_posts_select_authenticated ON social_posts
;;
DROP POLICY social_posts_insert_collector ON social_posts
;;
DROP POLICY social_posts_update_collector ON social_posts
;;
DROP POLICY social_posts_delete_admin ON social_posts
;;
DROP POLICY social_posts_insert_import ON social_posts
;;
DROP POLICY social_posts_select_system ON social_posts
;;
DROP POLICY social_posts_select_console ON social_posts
;;
ALTER TABLE social_posts NO FORCE ROW LEVEL SECURITY
;;
ALTER TABLE social_posts DISABLE ROW LEVEL SECURITY
;;
REVOKE ALL ON social_posts FROM quantum_app, quantum_staff, quantum_system
;;
DROP POLICY social_trends_select_authenticated ON social_trends
;;
DROP POLICY social_trends_insert_collector ON social_trends
;;
DROP POLICY social_trends_delete_admin ON social_trends
;;
DROP POLICY social_trends_insert_import ON social_trends
;;
DROP POLICY social_trends_select_system ON social_trends
;;
DROP POLICY social_trends_select_console ON social_trends
;;
ALTER TABLE social_trends NO FORCE ROW LEVEL SECURITY
;;
ALTER TABLE social_trends DISABLE ROW LEVEL SECURITY
;;
REVOKE ALL ON social_trends FROM quantum_app, quantum_staff, quantum_system
;;
DROP POLICY spans_select_authenticated ON spans
;;
DROP POLICY spans_insert_ingest ON spans
;;
DROP POLICY spans_update_ingest ON spans
;;
DROP POLICY spans_delete_ingest ON spans
;;
DROP POLICY spans_select_system ON spans
;;
DROP POLICY spans_select_console ON spans
;;
ALTER TABLE spans NO FORCE ROW LEVEL SECURITY
;;
ALTER TABLE spans DISABLE ROW LEVEL SECURITY
;;
REVOKE ALL ON spans FROM quantum_app, quantum_staff, quantum_system
;;
DROP POLICY state_days_select_authenticated ON state_days
;;
DROP POLICY state_days_insert_system ON state_days
;;
DROP POLICY state_days_select_system ON state_days
;;
DROP POLICY state_days_select_console ON state_days
;;
ALTER TABLE state_days NO FORCE ROW LEVEL SECURITY
;;
ALTER TABLE state_days DISABLE ROW LEVEL SECURITY
;;
REVOKE ALL ON state_days FROM quantum_app, quantum_staff, quantum_system
;;
DROP TRIGGER guard_state_stretches ON state_stretches
;;
DROP FUNCTION app.guard_state_stretches()
;;
DROP POLICY state_stretches_select_authenticated ON state_stretches
;;
DROP POLICY state_stretches_insert_system ON state_stretches
;;
DROP POLICY state_stretches_delete_system ON state_stretches
;;
DROP POLICY state_stretches_update_system ON state_stretches
;;
DROP POLICY state_stretches_select_system ON state_stretches
;;
DROP POLICY state_stretches_select_console ON state_stretches
;;
ALTER TABLE state_stretches NO FORCE ROW LEVEL SECURITY
;;
ALTER TABLE state_stretches DISABLE ROW LEVEL SECURITY
;;
REVOKE ALL ON state_stretches FROM quantum_app, quantum_staff, quantum_system
;;
DROP TRIGGER guard_support_tickets ON support_tickets
;;
DROP FUNCTION app.guard_support_tickets()
;;
DROP POLICY support_tickets_select_owner ON support_tickets
;;
DROP POLICY support_tickets_select_assignee ON support_tickets
;;
DROP POLICY support_tickets_select_admin ON support_tickets
;;
DROP POLICY support_tickets_insert_owner ON support_tickets
;;
DROP POLICY support_tickets_update_owner ON support_tickets
;;
DROP POLICY support_tickets_update_assignee ON support_tickets
;;
DROP POLICY support_tickets_update_admin ON support_tickets
;;
DROP POLICY support_tickets_delete_admin ON support_tickets
;;
DROP POLICY support_tickets_insert_import ON support_tickets
;;
DROP POLICY support_tickets_select_system ON support_tickets
;;
DROP POLICY support_tickets_select_console ON support_tickets
;;
ALTER TABLE support_tickets NO FORCE ROW LEVEL SECURITY
;;
ALTER TABLE support_tickets DISABLE ROW LEVEL SECURITY
;;
REVOKE ALL ON support_tickets FROM quantum_app, quantum_staff, quantum_system
;;
DROP POLICY system_metrics_select_authenticated ON system_metrics
;;
DROP POLICY system_metrics_insert_system ON system_metrics
;;
DROP POLICY system_metrics_delete_retention ON system_metrics
;;
DROP POLICY system_metrics_insert_import ON system_metrics
;;
DROP POLICY system_metrics_select_system ON system_metrics
;;
DROP POLICY system_metrics_select_console ON system_metrics
;;
ALTER TABLE system_metrics NO FORCE ROW LEVEL SECURITY
;;
ALTER TABLE system_metrics DISABLE ROW LEVEL SECURITY
;;
REVOKE ALL ON system_metrics FROM quantum_app, quantum_staff, quantum_system
;;
DROP POLICY ticket_messages_select_ticket_owner ON ticket_messages
;;
DROP POLICY ticket_messages_select_ticket_assignee ON ticket_messages
;;
DROP POLICY ticket_messages_select_admin ON ticket_messages
;;
DROP POLICY ticket_messages_insert_ticket_owner ON ticket_messages
;;
DROP POLICY ticket_messages_insert_ticket_assignee ON ticket_messages
;;
DROP POLICY ticket_messages_insert_admin ON ticket_messages
;;
DROP POLICY ticket_messages_delete_admin ON ticket_messages
;;
DROP POLICY ticket_messages_insert_import ON ticket_messages
;;
DROP POLICY ticket_messages_select_system ON ticket_messages
;;
DROP POLICY ticket_messages_select_console ON ticket_messages
;;
ALTER TABLE ticket_messages NO FORCE ROW LEVEL SECURITY
;;
ALTER TABLE ticket_messages DISABLE ROW LEVEL SECURITY
;;
REVOKE ALL ON ticket_messages FROM quantum_app, quantum_staff, quantum_system
;;
DROP TRIGGER guard_training_data ON training_data
;;
DROP FUNCTION app.guard_training_data()
;;
DROP POLICY training_data_select_builders ON training_data
;;
DROP POLICY training_data_insert_builders ON training_data
;;
DROP POLICY training_data_insert_worker ON training_data
;;
DROP POLICY training_data_update_builders ON training_data
;;
DROP POLICY training_data_delete_admin ON training_data
;;
DROP POLICY training_data_insert_import ON training_data
;;
DROP POLICY training_data_select_system ON training_data
;;
DROP POLICY training_data_select_console ON training_data
;;
ALTER TABLE training_data NO FORCE ROW LEVEL SECURITY
;;
ALTER TABLE training_data DISABLE ROW LEVEL SECURITY
;;
REVOKE ALL ON training_data FROM quantum_app, quantum_staff, quantum_system
;;
DROP TRIGGER guard_transactions ON transactions
;;
DROP FUNCTION app.guard_transactions()
;;
DROP POLICY transactions_select_owner ON transactions
;;
DROP POLICY transactions_select_oversight ON transactions
;;
DROP POLICY transactions_insert_system ON transactions
;;
DROP POLICY transactions_insert_admin ON transactions
;;
DROP POLICY transactions_update_system ON transactions
;;
DROP POLICY transactions_insert_import ON transactions
;;
DROP POLICY transactions_select_system ON transactions
;;
DROP POLICY transactions_select_console ON transactions
;;
ALTER TABLE transactions NO FORCE ROW LEVEL SECURITY
;;
ALTER TABLE transactions DISABLE ROW LEVEL SECURITY
;;
REVOKE ALL ON transactions FROM quantum_app, quantum_staff, quantum_system
;;
DROP POLICY uptime_kept_select_authenticated ON uptime_kept
;;
DROP POLICY uptime_kept_insert_system ON uptime_kept
;;
DROP POLICY uptime_kept_update_system ON uptime_kept
;;
DROP POLICY uptime_kept_select_system ON uptime_kept
;;
DROP POLICY uptime_kept_select_console ON uptime_kept
;;
ALTER TABLE uptime_kept NO FORCE ROW LEVEL SECURITY
;;
ALTER TABLE uptime_kept DISABLE ROW LEVEL SECURITY
;;
REVOKE ALL ON uptime_kept FROM quantum_app, quantum_staff, quantum_system
;;
DROP TRIGGER guard_uptime_subjects ON uptime_subjects
;;
DROP FUNCTION app.guard_uptime_subjects()
;;
DROP POLICY uptime_subjects_select_authenticated ON uptime_subjects
;;
DROP POLICY uptime_subjects_insert_system ON uptime_subjects
;;
DROP POLICY uptime_subjects_update_system ON uptime_subjects
;;
DROP POLICY uptime_subjects_select_system ON uptime_subjects
;;
DROP POLICY uptime_subjects_select_console ON uptime_subjects
;;
ALTER TABLE uptime_subjects NO FORCE ROW LEVEL SECURITY
;;
ALTER TABLE uptime_subjects DISABLE ROW LEVEL SECURITY
;;
REVOKE ALL ON uptime_subjects FROM quantum_app, quantum_staff, quantum_system
;;
DROP TRIGGER guard_user_sessions ON user_sessions
;;
DROP FUNCTION app.guard_user_sessions()
;;
DROP POLICY user_sessions_select_owner ON user_sessions
;;
DROP POLICY user_sessions_select_oversight ON user_sessions
;;
DROP POLICY user_sessions_insert_system ON user_sessions
;;
DROP POLICY user_sessions_update_system ON user_sessions
;;
DROP POLICY user_sessions_update_owner ON user_sessions
;;
DROP POLICY user_sessions_delete_owner ON user_sessions
;;
DROP POLICY user_sessions_delete_admin ON user_sessions
;;
DROP POLICY user_sessions_update_console ON user_sessions
;;
DROP POLICY user_sessions_select_definer ON user_sessions
;;
DROP POLICY user_sessions_update_definer ON user_sessions
;;
DROP POLICY user_sessions_select_system ON user_sessions
;;
DROP POLICY user_sessions_select_console ON user_sessions
;;
ALTER TABLE user_sessions NO FORCE ROW LEVEL SECURITY
;;
ALTER TABLE user_sessions DISABLE ROW LEVEL SECURITY
;;
REVOKE ALL ON user_sessions FROM quantum_app, quantum_staff, quantum_system
;;
DROP TRIGGER guard_user_stats ON user_stats
;;
DROP FUNCTION app.guard_user_stats()
;;
DROP POLICY user_stats_insert_console ON user_stats
;;
DROP POLICY user_stats_select_owner ON user_stats
;;
DROP POLICY user_stats_select_admin ON user_stats
;;
DROP POLICY user_stats_insert_signup ON user_stats
;;
DROP POLICY user_stats_update_engine ON user_stats
;;
DROP POLICY user_stats_select_system ON user_stats
;;
DROP POLICY user_stats_select_console ON user_stats
;;
ALTER TABLE user_stats NO FORCE ROW LEVEL SECURITY
;;
ALTER TABLE user_stats DISABLE ROW LEVEL SECURITY
;;
REVOKE ALL ON user_stats FROM quantum_app, quantum_staff, quantum_system
;;
DROP POLICY watched_hours_select_authenticated ON watched_hours
;;
DROP POLICY watched_hours_insert_system ON watched_hours
;;
DROP POLICY watched_hours_delete_system ON watched_hours
;;
DROP POLICY watched_hours_select_system ON watched_hours
;;
DROP POLICY watched_hours_select_console ON watched_hours
;;
ALTER TABLE watched_hours NO FORCE ROW LEVEL SECURITY
;;
ALTER TABLE watched_hours DISABLE ROW LEVEL SECURITY
;;
REVOKE ALL ON watched_hours FROM quantum_app, quantum_staff, quantum_system
;;
REVOKE ALL ON FUNCTION audit_head() FROM quantum_app, quantum_staff, quantum_system
;;
REVOKE ALL ON FUNCTION audit_append(text) FROM quantum_app, quantum_staff, quantum_system
;;
REVOKE ALL ON FUNCTION make_month(text, date, bigint) FROM quantum_system
;;
REVOKE ALL ON FUNCTION drop_month(text, bigint) FROM quantum_system
;;
REVOKE ALL ON FUNCTION survey_months(text) FROM quantum_system
;;
REVOKE ALL ON alembic_version FROM quantum_app, quantum_staff, quantum_system
;;
REVOKE USAGE ON SCHEMA app FROM quantum_app, quantum_staff, quantum_system
;;
DROP FUNCTION app.own_deals()
;;
DROP FUNCTION app.own_tickets()
;;
DROP FUNCTION app.assigned_tickets()
;;
DROP FUNCTION app.role()
;;
DROP FUNCTION app.profile_id()
;;
DROP FUNCTION app.kind()
;;
DROP SCHEMA app
