"""The stored measurements, the agents' log lines, and the network's nodes and connections as lists."""

from db.listing import Field, Listing, listed
from db.models import AgentConnection, AgentLog, NetworkNode, SystemMetric
from db.queries.round_trips import NEEDS

measurements = listed(
    Listing(
        name="measurements",
        title="Measurements",
        model=SystemMetric,
        fields=(
            Field(SystemMetric.metric_type, "Measured"),
            Field(SystemMetric.metric_value, "Value", "number"),
            Field(SystemMetric.metric_unit, "Unit"),
            Field(SystemMetric.source, "Source"),
            Field(SystemMetric.category, "Category", "word"),
            Field(SystemMetric.recorded_at, "Time", "moment"),
        ),
        search=(SystemMetric.metric_type, SystemMetric.source, SystemMetric.meta),
        filters=(SystemMetric.metric_type, SystemMetric.source),
        order=SystemMetric.recorded_at,
        needs=NEEDS,
    )
)
logs = listed(
    Listing(
        name="agentlogs",
        title="Log lines",
        model=AgentLog,
        fields=(
            Field(AgentLog.message, "Message"),
            Field(AgentLog.log_level, "Level", "word"),
            Field(AgentLog.agent_id, "Agent"),
            Field(AgentLog.created_at, "Time", "moment"),
        ),
        search=(AgentLog.message, AgentLog.agent_id),
        filters=(AgentLog.log_level, AgentLog.agent_id),
        order=AgentLog.created_at,
        needs=NEEDS,
    )
)
connections = listed(
    Listing(
        name="connections",
        title="Connections",
        model=AgentConnection,
        fields=(
            Field(AgentConnection.agent_a_id, "Caller"),
            Field(AgentConnection.agent_b_id, "Callee"),
            Field(AgentConnection.connection_type, "Kind", "word"),
            Field(AgentConnection.strength, "Strength (0–1)", "number"),
            Field(AgentConnection.latency_ms, "Latency (ms)", "number"),
            Field(AgentConnection.status, "Status", "word"),
            Field(AgentConnection.updated_at, "Changed", "moment"),
        ),
        search=(AgentConnection.agent_a_id, AgentConnection.agent_b_id),
        filters=(AgentConnection.connection_type, AgentConnection.status),
        order=AgentConnection.updated_at,
        needs=NEEDS,
    )
)
nodes = listed(
    Listing(
        name="nodes",
        title="Nodes of the map",
        model=NetworkNode,
        fields=(
            Field(NetworkNode.node_name, "Node"),
            Field(NetworkNode.node_type, "Kind", "word"),
            Field(NetworkNode.position_x, "x", "number"),
            Field(NetworkNode.position_y, "y", "number"),
            Field(NetworkNode.position_z, "z", "number"),
            Field(NetworkNode.connections_count, "Connections", "number"),
            Field(NetworkNode.updated_at, "Changed", "moment"),
        ),
        search=(NetworkNode.node_name, NetworkNode.agent_id),
        filters=(NetworkNode.node_type,),
        order=NetworkNode.updated_at,
        needs=NEEDS,
    )
)
