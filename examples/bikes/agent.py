"""An agent with the functions of tools.py: three people ask at once, each call and each answer as it comes.

python examples/bikes/agent.py
"""

from __future__ import annotations

import anyio

from cadenza.agent import Agent, Limits
from cadenza.agent.events import RunFinished, ToolCallReady
from tools import find_station, rent_bike, report_damage

agent = Agent(tools=[rent_bike, find_station, report_damage], limits=Limits(turns=4, tokens=1000))


async def ask(who: str, question: str) -> None:
    async for event in agent.stream(question):
        match event:
            case ToolCallReady():
                print(f"{who}: {event.recipient} {event.arguments}")
            case RunFinished():
                print(f"{who}: {event.answer}")


async def main() -> None:
    async with anyio.create_task_group() as group:
        group.start_soon(ask, "Ida", "Rent a bike with kind mountain and days 3.")
        group.start_soon(ask, "Ben", "Find the station at market.")
        group.start_soon(ask, "Mei", "Please report a damage for bike 417 and part brakes.")


if __name__ == "__main__":
    anyio.run(main)
