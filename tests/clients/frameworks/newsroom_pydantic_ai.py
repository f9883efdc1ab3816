"""An editor that has a researcher as its tool, both on Pydantic AI's own model for tests."""

from pydantic_ai import Agent
from pydantic_ai.models.test import TestModel

researcher = Agent(TestModel(), name="researcher")
editor = Agent(TestModel(), name="editor")


@editor.tool_plain
async def ask_researcher(question: str) -> str:
    return str((await researcher.run(question)).output)


print(editor.run_sync("What of ships?").output)
