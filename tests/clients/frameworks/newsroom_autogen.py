"""Three AutoGen agents that write articles between them, without a model: an editor, a researcher and a writer.

`runtime` is made by the lines of docs/connect.md that stand before this when it runs.
"""
# ruff: noqa: F821

import asyncio
from dataclasses import dataclass

from autogen_core import (
    AgentId,
    DefaultTopicId,
    MessageContext,
    RoutedAgent,
    default_subscription,
    message_handler,
)

FACTS = {
    "ships": ["The harbour opened in 1903.", "Two ships a day call."],
    "trains": ["The line is 40 km long."],
}


@dataclass
class Question:
    about: str


@dataclass
class Facts:
    found: list[str]


@dataclass
class Draft:
    text: str


@default_subscription
class Writer(RoutedAgent):
    """Hears drafts that are published."""

    @message_handler
    async def on_draft(self, message: Draft, ctx: MessageContext) -> None:
        assert message.text


class Researcher(RoutedAgent):
    """Answers with what is known."""

    @message_handler
    async def on_question(self, message: Question, ctx: MessageContext) -> Facts:
        return Facts(FACTS[message.about])


class Editor(RoutedAgent):
    """Asks the researcher, then publishes a draft."""

    @message_handler
    async def on_question(self, message: Question, ctx: MessageContext) -> Facts:
        facts = await self.send_message(message, AgentId("researcher", "default"))
        await self.publish_message(Draft(" ".join(facts.found)), DefaultTopicId())
        return facts


async def main() -> None:
    for name, kind in (("editor", Editor), ("researcher", Researcher), ("writer", Writer)):
        await kind.register(runtime, name, lambda kind=kind: kind(kind.__doc__ or ""))
    runtime.start()
    for about in FACTS:
        await runtime.send_message(Question(about), AgentId("editor", "default"))
    await runtime.stop_when_idle()
    await runtime.close()
    print(f"{len(FACTS)} articles")


asyncio.run(main())
