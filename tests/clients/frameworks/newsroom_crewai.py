"""A crew of a researcher and a writer; what their model says is written down here. Not run by `make test`."""

from typing import Any

from crewai import Agent, BaseLLM, Crew, Task


class Scripted(BaseLLM):
    """A model that says what it was given to say."""

    def call(self, *asked: Any, **more: Any) -> str:
        return "Thought: I now can give a great answer\nFinal Answer: Two ships a day call."

    def supports_function_calling(self) -> bool:
        return False


model = Scripted(model="scripted")
researcher = Agent(role="researcher", goal="know", backstory="A reader of archives.", llm=model)
writer = Agent(role="writer", goal="tell", backstory="A teller of stories.", llm=model)
facts = Task(description="Find facts.", expected_output="facts", agent=researcher)
story = Task(description="Tell them.", expected_output="a story", agent=writer, context=[facts])
print(Crew(agents=[researcher, writer], tasks=[facts, story]).kickoff())
