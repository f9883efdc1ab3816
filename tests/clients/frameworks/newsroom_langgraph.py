"""A graph of two agents, a researcher and a writer; what their models say is written down here."""

from langchain.agents import create_agent
from langchain_core.language_models.fake_chat_models import FakeMessagesListChatModel
from langchain_core.messages import AIMessage
from langgraph.graph import END, START, MessagesState, StateGraph


def scripted(answer: str) -> FakeMessagesListChatModel:
    return FakeMessagesListChatModel(responses=[AIMessage(answer)])


graph = StateGraph(MessagesState)
graph.add_node("researcher", create_agent(scripted("Two ships a day."), name="researcher"))
graph.add_node("writer", create_agent(scripted("Two ships call every day."), name="writer"))
graph.add_edge(START, "researcher")
graph.add_edge("researcher", "writer")
graph.add_edge("writer", END)
found = graph.compile(name="newsroom").invoke({"messages": [("user", "What of ships?")]})
print(found["messages"][-1].content)
