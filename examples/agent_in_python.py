"""An agent in Python: the code that it writes as it writes it, a second question in the same conversation, the cost.

python examples/agent_in_python.py
"""

from __future__ import annotations

import anyio

from cadenza.agent import Agent, Limits
from cadenza.agent.events import RunFinished, ToolCallReady, ToolFinished

agent = Agent(tools=["python"], effort="medium", limits=Limits(turns=8, tokens=2000))


async def main() -> None:
    async for event in agent.stream("What is 48 * 17?"):
        match event:
            case ToolCallReady():
                print("call:  ", event.arguments)
            case ToolFinished():
                print("result:", event.text.strip())
            case RunFinished():
                print("answer:", event.answer)

    first = await agent.run("Ben has 12 boxes with 30 pens in each. How many pens does Ben have?")
    second = await agent.run("What is 1250 - 316?", history=first.transcript)
    print("answer:", second.output)
    print("tokens:", second.usage.prompt, "read,", second.usage.sampled, "written")


if __name__ == "__main__":
    anyio.run(main)
