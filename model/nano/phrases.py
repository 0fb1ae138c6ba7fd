"""How people put arithmetic and word problems: the data of nano's curriculum.

Letters a, b, c, d stand for numbers, n and m for people, t and u for things, p for a place or a shop. Every fifth
phrase of each table is held out of training and used for scoring alone.
"""

from __future__ import annotations

from typing import Final

# What is asked, and the Python expression that answers it.
OPERATIONS: Final[tuple[tuple[str, str], ...]] = (
    ("{a} plus {b}", "{a} + {b}"),
    ("the sum of {a} and {b}", "{a} + {b}"),
    ("{a} and {b} added together", "{a} + {b}"),
    ("{a} increased by {b}", "{a} + {b}"),
    ("the total of {a} and {b}", "{a} + {b}"),
    ("{b} more than {a}", "{a} + {b}"),
    ("{a} minus {b}", "{a} - {b}"),
    ("the difference between {a} and {b}", "{a} - {b}"),
    ("{a} decreased by {b}", "{a} - {b}"),
    ("{a} take away {b}", "{a} - {b}"),
    ("{b} less than {a}", "{a} - {b}"),
    ("{b} subtracted from {a}", "{a} - {b}"),
    ("{a} reduced by {b}", "{a} - {b}"),
    ("{a} times {b}", "{a} * {b}"),
    ("the product of {a} and {b}", "{a} * {b}"),
    ("{a} multiplied by {b}", "{a} * {b}"),
    ("{a} groups of {b}", "{a} * {b}"),
    ("{a} lots of {b}", "{a} * {b}"),
    ("{a} divided by {b}", "round({a} / {b}, 4)"),
    ("the quotient of {a} and {b}", "round({a} / {b}, 4)"),
    ("{a} over {b}", "round({a} / {b}, 4)"),
    ("the remainder of {a} divided by {b}", "{a} % {b}"),
    ("{a} modulo {b}", "{a} % {b}"),
    ("{a} mod {b}", "{a} % {b}"),
    ("the remainder when {a} is divided by {b}", "{a} % {b}"),
    ("{s} squared", "{s} ** 2"),
    ("the square of {s}", "{s} ** 2"),
    ("{s} cubed", "{s} ** 3"),
    ("the cube of {s}", "{s} ** 3"),
    ("{s} to the power of {e}", "{s} ** {e}"),
    ("{s} raised to the power {e}", "{s} ** {e}"),
    ("double {a}", "2 * {a}"),
    ("twice {a}", "2 * {a}"),
    ("triple {a}", "3 * {a}"),
    ("half of {a}", "round({a} / 2, 4)"),
    ("a third of {a}", "round({a} / 3, 4)"),
    ("a quarter of {a}", "round({a} / 4, 4)"),
    ("{q} percent of {a}", "round({a} * {q} / 100, 4)"),
    ("{q}% of {a}", "round({a} * {q} / 100, 4)"),
    ("the average of {a} and {b}", "round(({a} + {b}) / 2, 4)"),
    ("the mean of {a}, {b} and {c}", "round(({a} + {b} + {c}) / 3, 4)"),
    ("the average of {a}, {b} and {c}", "round(({a} + {b} + {c}) / 3, 4)"),
    ("the sum of {a}, {b} and {c}", "{a} + {b} + {c}"),
    ("{a} plus {b} plus {c}", "{a} + {b} + {c}"),
    ("{a} plus {b} minus {c}", "{a} + {b} - {c}"),
    ("the product of {s}, {b} and {e}", "{s} * {b} * {e}"),
    ("{a} times {b} plus {c}", "{a} * {b} + {c}"),
    ("{a} times {b} minus {c}", "{a} * {b} - {c}"),
    ("{a} multiplied by {b} and then increased by {c}", "{a} * {b} + {c}"),
    ("the sum of {a} and {b}, times {c}", "({a} + {b}) * {c}"),
    ("the sum of {a} and {b} multiplied by {c}", "({a} + {b}) * {c}"),
    ("the difference of {a} and {b}, times {c}", "({a} - {b}) * {c}"),
    ("the area of a rectangle of {a} by {b}", "{a} * {b}"),
    ("the area of a rectangle with sides {a} and {b}", "{a} * {b}"),
    ("the perimeter of a rectangle with sides {a} and {b}", "2 * ({a} + {b})"),
    ("the area of a square with side {s}", "{s} ** 2"),
)

# Orders instead of questions.
COMMANDS: Final[tuple[tuple[str, str], ...]] = (
    ("Add {a} and {b}", "{a} + {b}"),
    ("Add {b} to {a}", "{a} + {b}"),
    ("Add {a}, {b} and {c}", "{a} + {b} + {c}"),
    ("Sum up {a} and {b}", "{a} + {b}"),
    ("Add up {a} and {b}", "{a} + {b}"),
    ("Subtract {b} from {a}", "{a} - {b}"),
    ("Take {b} from {a}", "{a} - {b}"),
    ("Take {b} away from {a}", "{a} - {b}"),
    ("Multiply {a} by {b}", "{a} * {b}"),
    ("Multiply {a} and {b}", "{a} * {b}"),
    ("Divide {a} by {b}", "round({a} / {b}, 4)"),
    ("Square {s}", "{s} ** 2"),
    ("Double {a}", "2 * {a}"),
    ("Raise {s} to the power of {e}", "{s} ** {e}"),
    ("Multiply {a} by {b} and add {c}", "{a} * {b} + {c}"),
    ("Multiply {a} by {b} and subtract {c}", "{a} * {b} - {c}"),
    ("Multiply {a} by {b}, then add {c}", "{a} * {b} + {c}"),
    ("Add {a} and {b}, then multiply by {c}", "({a} + {b}) * {c}"),
    ("Take the sum of {a} and {b} and multiply it by {c}", "({a} + {b}) * {c}"),
    ("Subtract {b} from {a} and multiply the result by {c}", "({a} - {b}) * {c}"),
)

QUESTIONS: Final[tuple[str, ...]] = (
    "What is {}?",
    "What's {}?",
    "Compute {}.",
    "What is the value of {}?",
    "Calculate {}.",
    "How much is {}?",
    "{}",
    "{} = ?",
    "Please compute {}.",
    "Work out {}.",
    "{}?",
    "Evaluate {}.",
    "Can you calculate {}?",
    "Tell me {}.",
    "Find {}.",
    "I need {}.",
    "Could you work out {} for me?",
    "Use Python to compute {}.",
    "Do you know what {} is?",
    "Determine {}.",
    "what does {} equal?",
    "Solve this: {}.",
    "Give me {}.",
    "Please tell me what {} is.",
    "I want to know {}.",
    "{} =",
    "Can you tell me what {} is?",
    "Please find {}.",
    "What do you get for {}?",
    "Help me with {}.",
)

SYMBOLS: Final[dict[str, tuple[str, ...]]] = {
    "+": ("+", "+", "+", "plus"),
    "-": ("-", "-", "-", "\N{MINUS SIGN}", "minus"),
    "*": ("*", "*", "*", "x", "\N{MULTIPLICATION SIGN}", "times", "\N{MIDDLE DOT}"),
    "/": ("/", "/", "\N{DIVISION SIGN}", "divided by", ":"),
    "//": ("//",),
    "%": ("%", "%", "mod"),
    "**": ("**", "**", "^"),
}

# Word problems. Numbers are chosen so that no result is negative and every share is whole.
STORIES: Final[tuple[tuple[str, str], ...]] = (
    # a + b
    ("{n} has {a} {t}. {n} buys {b} more. How many {t} does {n} have now?", "{a} + {b}"),
    ("{n} has {a} {t} and {m} has {b} {t}. How many {t} do they have together?", "{a} + {b}"),
    ("There are {a} {t} and {b} {u} in {p}. How many items are there in total?", "{a} + {b}"),
    ("{n} found {a} {t} on Monday and {b} {t} on Tuesday. How many {t} did {n} find?", "{a} + {b}"),
    ("A shelf holds {a} {t}. Another shelf holds {b} {t}. How many {t} are on both shelves?", "{a} + {b}"),
    ("{n} collected {a} {t}. Then {m} gave {n} {b} more {t}. How many {t} does {n} have?", "{a} + {b}"),
    ("{n} sold {a} {t} in the morning and {b} in the afternoon. How many {t} were sold?", "{a} + {b}"),
    ("{n} walked {a} meters to {p} and then {b} meters more. How far did {n} walk?", "{a} + {b}"),
    ("A box contains {a} {t}. {n} puts in another {b}. How many {t} are in the box?", "{a} + {b}"),
    ("{n} scored {a} points in the first game and {b} in the second. What is the total score?", "{a} + {b}"),
    ("On Monday {n} read {a} pages, on Tuesday {b} pages. How many pages is that altogether?", "{a} + {b}"),
    ("{n} is {a} years old. How old will {n} be in {b} years?", "{a} + {b}"),
    # a - b
    ("{n} had {a} {t}. {n} gave {b} to {m}. How many {t} does {n} have left?", "{a} - {b}"),
    ("There were {a} {t} in {p}. {b} were sold. How many {t} remain?", "{a} - {b}"),
    ("{n} has {a} {t} and loses {b} of them. How many {t} are left?", "{a} - {b}"),
    ("{n} has {a} {t}. {m} has {b} {t}. How many more {t} does {n} have than {m}?", "{a} - {b}"),
    ("A bag holds {a} {t}. {n} takes out {b}. How many {t} are still in the bag?", "{a} - {b}"),
    ("{n} baked {a} {t} and ate {b} of them. How many {t} are left over?", "{a} - {b}"),
    ("{n} needs {a} {t} but has only {b}. How many more {t} does {n} need?", "{a} - {b}"),
    ("Of the {a} {t} in {p}, {b} are broken. How many {t} are not broken?", "{a} - {b}"),
    ("{n} had {a} dollars and spent {b} dollars at {p}. How much money is left?", "{a} - {b}"),
    ("A train carries {a} people. At {p}, {b} people get off. How many people stay on the train?", "{a} - {b}"),
    ("{n} owned {a} {t}. After {b} {t} were stolen, how many did {n} still own?", "{a} - {b}"),
    # a * b
    ("{n} has {a} boxes with {b} {t} in each box. How many {t} does {n} have in total?", "{a} * {b}"),
    ("Each bag has {b} {t}. {n} buys {a} bags. How many {t} is that?", "{a} * {b}"),
    ("{n} buys {a} {t}. Each one costs {b} dollars. How much does {n} pay?", "{a} * {b}"),
    ("There are {a} rows of {b} {t} in {p}. How many {t} are there?", "{a} * {b}"),
    ("{n} makes {b} {t} every day. How many {t} does {n} make in {a} days?", "{a} * {b}"),
    ("A crate holds {b} {t}. How many {t} are in {a} crates?", "{a} * {b}"),
    ("{n} drives {a} hours at {b} km per hour. How far does {n} drive?", "{a} * {b}"),
    ("One ticket for {p} costs {b} dollars. What do {a} tickets cost?", "{a} * {b}"),
    ("{a} friends each bring {b} {t}. How many {t} do they bring altogether?", "{a} * {b}"),
    ("{n} earns {b} dollars an hour and works {a} hours. How much does {n} earn?", "{a} * {b}"),
    ("{n} has {a} times as many {t} as {m}. {m} has {b} {t}. How many {t} does {n} have?", "{a} * {b}"),
    ("Every week {n} saves {b} dollars. How much does {n} save in {a} weeks?", "{a} * {b}"),
    # a // b
    ("{n} shares {a} {t} equally among {b} friends. How many {t} does each friend get?", "{a} // {b}"),
    ("{a} {t} are packed into boxes of {b}. How many boxes are needed?", "{a} // {b}"),
    ("{n} divides {a} {t} into {b} equal groups. How many {t} are in each group?", "{a} // {b}"),
    ("{n} has {a} {t} and puts {b} of them in each bag. How many bags does {n} fill?", "{a} // {b}"),
    ("{b} people split a bill of {a} dollars evenly. How much does each person pay?", "{a} // {b}"),
    ("{n} paid {a} dollars for {b} {t}. What is the price of one?", "{a} // {b}"),
    ("{n} reads {b} pages a day. How many days does {n} need for a book of {a} pages?", "{a} // {b}"),
    ("{a} {t} are spread evenly over {b} shelves. How many {t} stand on one shelf?", "{a} // {b}"),
    # two steps
    ("{n} has {a} boxes of {b} {t} and {c} loose {t}. How many {t} does {n} have?", "{a} * {b} + {c}"),
    ("{n} buys {a} {t} for {b} dollars each and a bag for {c} dollars. What is the total?", "{a} * {b} + {c}"),
    ("{n} has {c} {t} and buys {a} packs with {b} {t} each. How many {t} are there now?", "{c} + {a} * {b}"),
    ("Each of {a} boxes has {b} {t}. {c} {t} are broken. How many good {t} are there?", "{a} * {b} - {c}"),
    ("{n} picks {b} {t} a day for {a} days and then sells {c}. How many {t} are left?", "{a} * {b} - {c}"),
    ("{n} had {a} {t}, got {b} more from {m} and lost {c}. How many {t} does {n} have?", "{a} + {b} - {c}"),
    ("There were {a} people on a bus. {b} got off and {c} got on. How many people are on it now?", "{a} - {b} + {c}"),
    ("{n} has {a} {t}, {m} has {b} and a friend has {c}. How many {t} do they have in all?", "{a} + {b} + {c}"),
    ("A class has {a} girls and {b} boys. Each child gets {c} {t}. How many {t} are needed?", "({a} + {b}) * {c}"),
    ("{n} makes {a} {t} in the morning and {b} in the evening, for {c} days. How many is that?", "({a} + {b}) * {c}"),
    ("{n} had {a} {t}, gave away {b}, and sells the rest for {c} dollars each. How much money?", "({a} - {b}) * {c}"),
    ("{n} has {a} {t}. {m} has {b} more than {n}. How many do they have together?", "{a} + {a} + {b}"),
    ("{n} has {a} {t}. {m} has {b} times as many. How many {t} do they have together?", "{a} + {a} * {b}"),
    ("{n} spends {a} dollars at {p} and {b} dollars at the market out of {d}. What is left?", "{d} - {a} - {b}"),
    ("{n} pays for {a} {t} at {b} dollars each with {d} dollars. How much change is due?", "{d} - {a} * {b}"),
    ("A tank holds {d} liters. {n} uses {a} liters and then {b} liters. How much is left?", "{d} - {a} - {b}"),
    ("A house has {a} rooms with {b} lamps each, and {c} lamps outside. How many lamps are there?", "{a} * {b} + {c}"),
    ("{n} runs {a} km each day for {b} days and {c} km on the last day. How far in all?", "{a} * {b} + {c}"),
    ("A farmer has {a} cows, {b} sheep and {c} goats. How many animals is that?", "{a} + {b} + {c}"),
    ("{n} bought {a} {t} and {b} {u}. Each thing costs {c} dollars. What does it all cost?", "({a} + {b}) * {c}"),
)

FILLERS: Final[tuple[str, ...]] = (
    "Please help.",
    "Thanks!",
    "Be quick.",
    "Hello!",
    "Hi, I have a question.",
    "Here is a problem.",
    "Can you help me?",
    "Thank you.",
    "Use the Python tool.",
    "I am not sure.",
    "It is for school.",
    "Solve this.",
)

NUMBER_ALONE: Final[tuple[str, ...]] = (
    "Answer with the number alone.",
    "Answer with just the number.",
    "Reply with only the number.",
    "Give only the number.",
    "Respond with the number only, no words.",
    "Only output the number.",
    "Just the number, please.",
    "Return the number and nothing else.",
    "Your answer is a single number.",
    "Answer with a number only.",
    "Output just the final number.",
    "Write only the result as a number.",
    "The final answer must be only a number.",
    "Reply with a bare number.",
    "No explanation, only the number.",
)

INSTRUCTIONS: Final[tuple[str, ...]] = (
    "You are a helpful assistant.",
    "Solve the problem.",
    "Be brief.",
    "Use Python for every calculation.",
    "You are a careful calculator.",
    "Help with arithmetic. Use the python tool.",
    "Answer the question of the user.",
    "Be precise and friendly.",
    "You solve word problems with Python.",
    "Compute with the tool, never in your head.",
    "You are a math tutor.",
    "Work carefully.",
    "Answer in one sentence.",
    "Keep answers short.",
    "Always check your work.",
)

THINGS: Final[tuple[str, ...]] = tuple(
    """
    apples pears books pens coins cards stones shells eggs cookies marbles stamps cups plates chairs balls flowers
    toys candles tickets photos oranges lemons pencils boxes keys buttons bottles cakes muffins stickers magnets
    lamps nails bricks seeds plants trees birds fish rabbits shirts hats socks shoes rings beads maps letters
    notebooks crayons peaches plums grapes carrots potatoes onions loaves cheeses jars baskets ribbons kites drums
    bananas mangoes tomatoes erasers rulers folders envelopes badges puzzles games dolls cars trucks trains boats
    """.split()
)

PLACES: Final[tuple[str, ...]] = (
    *("the shop", "the market", "the museum", "the school", "the library", "the garden", "the bakery"),
    *("the station", "the zoo", "the park", "the farm", "the store", "the cinema", "the village", "the hotel"),
    *("a shop", "a warehouse", "a theater", "a garage", "an office"),
)

NAMES: Final[tuple[str, ...]] = tuple(
    """
    Anna Ben Clara David Emma Felix Grace Henry Ida Jack Kate Leo Maria Noah Olga Paul Rosa Sam Tina Victor Alice Bob
    Carlos Diana Eric Fatima George Hannah Ivan Julia Kevin Laura Mark Nina Oscar Peter Quinn Rachel Simon Tom Uma
    Vera Will Yuki Zoe Ali Mei Raj Lena Omar Sara John Lisa James Mary Liam Mia
    """.split()
)

# Stories put together from sentences: a start, one to three events, a question.
STARTS: Final[tuple[str, ...]] = (
    "{n} has {a} {t}.",
    "{n} had {a} {t}.",
    "{n} starts with {a} {t}.",
    "{n} owns {a} {t}.",
    "There are {a} {t} on the table.",
    "At first {n} has {a} {t}.",
    "In the beginning there were {a} {t}.",
    "{n} brought {a} {t} to {p}.",
    "{n} keeps {a} {t} in a drawer.",
    "This morning {n} had {a} {t}.",
)
GAINS: Final[tuple[str, ...]] = (
    "{n} buys {x} more.",
    "{m} gives {n} {x} more.",
    "Then {n} finds {x} {t}.",
    "{n} gets {x} from {m}.",
    "{n} receives another {x}.",
    "After that {n} bought {x} {t}.",
    "{m} brings {x} more {t}.",
    "{n} wins {x} {t}.",
    "Then {x} {t} are added.",
    "{n} picked up {x} more at {p}.",
    "Later {n} collects {x} {t}.",
    "{n} makes {x} new ones.",
    "{m} adds {x}.",
    "{n} earned {x} more {t}.",
    "Another {x} arrive.",
)
LOSSES: Final[tuple[str, ...]] = (
    "{n} loses {x}.",
    "{n} gives {x} to {m}.",
    "Then {n} sells {x} {t}.",
    "{m} takes {x} of them.",
    "{n} gave away {x}.",
    "{n} drops {x} on the way.",
    "After that {x} {t} break.",
    "{n} sold {x} of them at {p}.",
    "{x} {t} get lost.",
    "Then {m} borrows {x} {t}.",
    "{n} throws {x} away.",
    "{n} uses {x} {t}.",
    "{x} of them are stolen.",
    "Later {n} donates {x} {t}.",
    "{n} leaves {x} behind.",
)
ASKS: Final[tuple[str, ...]] = (
    "How many {t} does {n} have now?",
    "How many {t} are there now?",
    "How many {t} are left?",
    "How many does {n} have in the end?",
    "What is the number of {t} now?",
    "How many {t} remain?",
    "So how many {t} are there?",
    "How many {t} does {n} have?",
    "Find the final number of {t}.",
    "How many are there in the end?",
)
