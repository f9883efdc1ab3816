"""An editor hands a question to a researcher; the answers of both are written down here instead of asked of a model."""

from typing import Any

from agents import Agent, Model, ModelResponse, Runner, Usage
from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText


class Scripted(Model):
    """A model that says what it was given to say."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    async def get_response(self, *asked: Any, **more: Any) -> ModelResponse:
        usage = Usage(requests=1, input_tokens=12, output_tokens=3, total_tokens=15)
        return ModelResponse(output=[self.answer], usage=usage, response_id=None)

    def stream_response(self, *asked: Any, **more: Any) -> Any:
        raise NotImplementedError


text = ResponseOutputText(type="output_text", text="Two ships a day call.", annotations=[])
said = ResponseOutputMessage(id="1", type="message", role="assistant", status="completed", content=[text])
called = ResponseFunctionToolCall(
    id="2", call_id="2", type="function_call", name="transfer_to_researcher", arguments="{}"
)
researcher = Agent(name="researcher", model=Scripted(said))
editor = Agent(name="editor", model=Scripted(called), handoffs=[researcher])
print(Runner.run_sync(editor, "What of ships?").final_output)
