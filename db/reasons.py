"""Why the schema holds more than its published facts: every table apart from the 26 and every further column.

A test demands a reason here for each of them, and that no reason outlives its column.
"""

from typing import Final

TABLES: Final[dict[str, str]] = {
    "audit_heads": "Whoever could rewrite the audit log from some entry on would have to rewrite the day heads too, "
    "here and in the file that is kept apart.",
    "auth_account": "The sign-in store. It stands apart so that nothing that may read a profile may read a "
    "password hash.",
    "one_time_codes": "The first administrator is made by whoever can read the program's output, not by whoever "
    "comes first.",
    "sign_in_limits": "Guessing passwords must slow down on every server process at once. rate_limits counts requests "
    "of keys and people by the hour; it knows no address, no delay and nobody who is not signed in.",
    "second_factors": "A secret that opens an account stands apart from all that may be read about the account. Only "
    "the system's login reads it; it is stored as it is, because nothing the application is built from encrypts.",
    "recovery_codes": "Whoever loses the phone must still get in, by codes that each work once.",
    "role_requirements": "An administrator decides which roles need a second factor; every server process must know.",
    "account_links": "A new password and an invitation are links that open one door once. one_time_codes are typed by "
    "the person at the console and know neither an account nor a role.",
    "outgoing_mail": "No request waits for a mail server, or its time would tell which accounts exist; and mail "
    "outlives a restart.",
    "spans": "What agents report. Every measured number is counted from these rows, so they are kept as they came.",
    "senders": "What is the same for every span of a process, a library and a door is stored once instead of with each "
    "span, which would take a third more room.",
    "catalogue_seeds": "Seeding again must not bring back an agent that somebody deleted.",
    "calls": "Connections and their latencies are counted from single calls. They are worked out once, "
    "when spans arrive, "
    "because finding a span's nearest named ancestor again on every page would read whole traces.",
}

INDEXES: Final[dict[str, str]] = {
    "idx_api_keys_prefix": "Every request of a program finds its key by the prefix.",
    "idx_rate_limits_api_key_endpoint": "Unique: two rows of one key and endpoint would each let the whole limit "
    "through.",
}

COLUMNS: Final[dict[str, str]] = {
    "agents.heartbeat_seconds": "Operational means heard within twice the declared interval.",
    "agents.paused_at": "A paused agent is not operational however loudly it is heard, and people ask since when.",
    "agents.clock_drift_ms": "An agent is heard by our clock; its own being wrong must be seen and never mixed in.",
    "agents.clock_drift_at": "A drift seen long ago is no fact about today.",
    "api_logs.request_bytes": "Whoever sends far more than others is found by it; bodies are not kept.",
    "api_logs.response_bytes": "An answer that grew too large is found by it; bodies are not kept.",
    "audit_heads.day": "One head a day is enough to date a change to the chain.",
    "audit_heads.seq": "Says which entry was the last.",
    "audit_heads.row_hash": "The hash of the last entry depends on every entry before it.",
    "audit_heads.entries": "Entries that vanish are missing from a sum.",
    "audit_heads.created_at": "A head written long after its day proves less.",
    "auth_account.id": "Profiles refer to it, so that an address can change.",
    "auth_account.email": "One of the two names a person signs in with.",
    "auth_account.password_hash": "A password is checked against it and cannot be read back from it.",
    "auth_account.is_active": "Closes the door without losing what the person owns.",
    "auth_account.credential_version": "Ends every older sign-in at once when a password or role changes.",
    "auth_account.created_at": "Tells when the account was made, even if its profile was made later.",
    "auth_account.updated_at": "Tells when the credentials last changed.",
    "catalogue_seeds.agent_id": "Says which catalogue agent was given already.",
    "catalogue_seeds.seeded_at": "Says since when.",
    "one_time_codes.id": "Names the code in records without naming the code itself.",
    "one_time_codes.purpose": "A code made for one door must not open another.",
    "one_time_codes.code_hash": "A copy of the database must not open the door.",
    "one_time_codes.expires_at": "A code found in an old terminal must be worthless.",
    "one_time_codes.used_at": "A code opens its door once.",
    "one_time_codes.created_at": "Tells which code is the newest.",
    "sign_in_limits.subject": "Counts unknown names as known ones; a hash, because people type passwords into the "
    "wrong field.",
    "sign_in_limits.failures": "The delay grows with it.",
    "sign_in_limits.free_at": "Tells when to try again, and when the row may be forgotten.",
    "second_factors.account_id": "Belongs to the account, not the profile: it is about signing in.",
    "second_factors.secret": "The codes of the app are computed from it.",
    "second_factors.confirmed_at": "An app that was never proved right must lock nobody out; people see since when it "
    "is on.",
    "second_factors.last_step": "A code somebody watched being typed must not work a second time.",
    "second_factors.created_at": "A secret that was shown and never confirmed is thrown away after half an hour.",
    "recovery_codes.id": "Names the code in records without naming the code itself.",
    "recovery_codes.account_id": "A code lets in one account only.",
    "recovery_codes.code_hash": "A copy of the database must not open the door.",
    "recovery_codes.used_at": "A code works once; people see how many are left.",
    "recovery_codes.created_at": "Tells which set of codes is the one in force.",
    "role_requirements.role": "Requirements are made by role.",
    "role_requirements.factor_required": "Says whether the role needs a second factor; false keeps who took it back.",
    "role_requirements.set_by": "Says whom to ask about it.",
    "role_requirements.set_at": "Says since when.",
    "account_links.id": "Names the link in records without naming the token.",
    "account_links.purpose": "A link made for one door must not open another.",
    "account_links.account_id": "Says whose password the link changes.",
    "account_links.email": "Whoever is invited cannot choose another address than the one that was meant.",
    "account_links.role": "Whoever is invited cannot choose their role.",
    "account_links.token_hash": "A copy of the database must not open the door.",
    "account_links.created_by": "A link is void when whoever made it is no longer an administrator.",
    "account_links.expires_at": "A link found in an old mail must be worthless.",
    "account_links.used_at": "A link opens its door once.",
    "account_links.voided_at": "Tells links that were replaced from links that were used.",
    "account_links.created_at": "Tells which link is the newest, and how many were asked for of late.",
    "outgoing_mail.id": "Names the mail in records.",
    "outgoing_mail.kind": "Says which letter to write.",
    "outgoing_mail.account_id": "The address is read when the mail is written, so that an old one gets none.",
    "outgoing_mail.language": "Whoever never chose a language gets the one they asked in.",
    "outgoing_mail.tries": "The delay grows with it, and at last it is given up.",
    "outgoing_mail.due_at": "Tells when to try again, and lets one process at a time send it.",
    "outgoing_mail.error": "Whoever runs the installation sees why mail is late.",
    "outgoing_mail.created_at": "Mail that is too late to be of use is not sent.",
    "spans.trace_id": "Ties the spans of one run together.",
    "spans.span_id": "With trace and start it makes an import idempotent.",
    "spans.start_ns": "In the key, so that the table can be partitioned by time; windows are cut by it.",
    "spans.duration_ns": "Latencies are counted from it, in the sender's own precision.",
    "spans.parent_span_id": "Who called whom follows from it; a parent that never arrives is counted.",
    "spans.agent_id": "The agent the span counts for.",
    "spans.attribution": "Shows on request why a span counts for an agent.",
    "spans.named_agent": "A parent that arrives late must not change what the span says of itself.",
    "spans.service": "Names the agent where no agent is named, and groups statuses by sender.",
    "spans.name": "What a person recognises a span by.",
    "spans.kind": "Tells a request's two sides apart.",
    "spans.category": "Tells model spans, tools and hand-offs apart without reading attributes again.",
    "spans.status": "Errors and outcomes are counted from it.",
    "spans.status_message": "What a person needs to understand an error.",
    "spans.error_type": "Groups errors by kind.",
    "spans.is_task": "Efficiency counts tasks; a partial index finds them.",
    "spans.input_tokens": "Tokens are summed from model spans only, so that a sum over nested spans counts none twice.",
    "spans.output_tokens": "As for input_tokens.",
    "spans.model": "Says which model the tokens were spent on.",
    "spans.counterpart": "A hand-off names its receiver in the span itself, which may come before the receiver does.",
    "spans.attributes": "Nothing that was sent is lost.",
    "spans.links": "Some hand-offs and messages are told by links only.",
    "spans.events": "Exceptions are told as events.",
    "spans.sender_id": "Every span must lead back to who sent it and how it came in.",
    "spans.received_ns": "Tells what is live from what is imported history, and what came late.",
    "spans.unsettled": "A parent that arrives late is met by those that wait for it, found without an index over all "
    "spans.",
    "senders.id": "A small number for each span to refer to.",
    "senders.digest": "Finds the sender of a batch without comparing documents; two that store it at once store one.",
    "senders.source": "Every number must lead back to the file or key it came in by.",
    "senders.scope": "Conventions differ by instrumentation library.",
    "senders.resource": "Nothing that was sent is lost; it tells instances of a service apart.",
    "calls.trace_id": "With span and start it names the span that proves the call.",
    "calls.span_id": "As for trace_id; one span proves at most one call.",
    "calls.start_ns": "Windows are cut by it; in the key so that the table can be partitioned by time.",
    "calls.caller_id": "One end of the connection.",
    "calls.callee_id": "The other end of the connection.",
    "calls.kind": "A connection's row is kept per kind.",
    "calls.evidence": "Shows on request why two agents count as connected.",
    "calls.callee_span_id": "The latency shown can be found again in that span.",
    "calls.latency_ns": "Percentiles per connection are counted from it.",
    "calls.failed": "Errors per connection are counted from it.",
    "user_sessions.confirmed_at": "Sensitive acts ask for the password again when it was last given over ten minutes "
    "ago.",
}
