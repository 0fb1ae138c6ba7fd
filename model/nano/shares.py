"""Word problems with shares of sums, two products, fractions, percentages (q) and averages; written as in stories."""

from __future__ import annotations

from typing import Final

SHARES: Final[tuple[tuple[str, str], ...]] = tuple(
    (" ".join(text.split()), formula)
    for formula, texts in {
        "({a} - {b}) // {c}": """
- {n} (has|had) {a} {t}, (keeps|kept) {b} and (shares|shared) the rest (equally|evenly) among {c} friends. How many
  {t} (does|did) each (friend |)get?
- {n} (baked|made) {a} {t}, ate {b} of them and (packed|put) the rest (equally|evenly) into {c} boxes. How many {t}
  are in each box?
- Of {a} {t}, {b} are broken. The (others|rest) are (divided|split) (equally|evenly) (among|between) {c} people. How
  many (does each person get|are that per person)?
- {n} has {a} dollars, spends {b} dollars (at {p}|on a book|on food) and (splits|divides) the rest (equally|evenly)
  among {c} children. How much does each child get?
- {n} picked {a} {t} and gave {b} to {m}. The rest went in equal parts to {c} neighbors. How many {t} did each
  neighbor get?
- There (are|were) {a} {t} in {p}. {b} (are|were) sold and the rest (are|were) packed (equally |)into {c} bags. How
  many {t} (are|were) in each bag?
- {n} had {a} {t} and lost {b}. {n} (arranges|puts) the remaining {t} in {c} equal (rows|groups|piles). How many {t}
  are in each (row|group|pile)?
- A (bill|meal) of {a} dollars is reduced by {b} dollars and then split (equally|evenly) among {c} (people|friends).
  How much does each (one |)pay?
- {n} reads {b} of the {a} pages of a book today. How many pages a day are left for the next {c} days if {n} reads the
  same number each day?
- From {a} {t}, {n} takes {b} away and divides what is left (equally|evenly) among {c} children. How many {t} does
  each child get?""",
        "({a} + {b}) // {c}": """
- {n} has {a} {t} and {m} has {b}. They (share|divide) (them all|all {t}) (equally|evenly) among {c} friends. How many
  does each friend get?
- {n} (picks|picked) {a} red and {b} green {t} and puts (them|all of them) (equally|evenly) into {c} baskets. How many
  {t} are in each basket?
- A class has {a} girls and {b} boys. They form {c} equal (teams|groups). How many (children|students) are in each
  (team|group)?
- {a} {t} and {b} {u} are packed (equally|evenly) into {c} boxes. How many things are in each box?
- {n} earned {a} dollars on Monday and {b} dollars on Tuesday and divides (the money|it all) (equally|evenly) among
  {c} people. How much does each person get?
- {n} bought {a} {t} and then {b} more. {n} splits them (equally|evenly) (between|among) {c} children. How many {t}
  does each child (get|have)?
- {n} and {m} collected {a} and {b} {t}. They put (all of |)them on {c} shelves, the same number on each( shelf|). How
  many {t} are on each shelf?
- {c} friends share {a} {t} and {b} {u} (equally|evenly). How many things does each (friend |)get?
- There are {a} {t} in one box and {b} in another. {n} divides all of them (equally|evenly) among {c} people. How many
  does each person get?
- {a} adults and {b} children ride in {c} buses, the same number of people in each. How many people are in each bus?""",
        "{a} * {b} // {c}": """
- {n} has {a} boxes (of|with) {b} {t}( each|) and shares (them|all {t}) (equally|evenly) among {c} friends. How many
  {t} does each friend get?
- {a} bags with {b} {t} each are (divided|split) (equally|evenly) among {c} people. How many {t} does each (person
  |)get?
- {n} bakes {a} trays of {b} {t} and packs them (equally|evenly) into {c} boxes. How many {t} are in each box?
- {n} buys {a} {t} at {b} dollars each. {c} friends split the cost (equally|evenly). How much does each (friend |)pay?
- There are {a} rows of {b} {t}. They are (shared|divided) (equally|evenly) among {c} children. How many {t} does each
  child get?""",
        "{a} * {b} + {c} * {d}": """
- {n} buys {a} {t} at {b} dollars each and {c} {u} at {d} dollars each. (How much does {n} pay( in all|
  altogether|)?|What is the total( cost|)?)
- A ticket costs {b} dollars for adults and {d} dollars for children. (How much|What) do {a} adults and {c} children
  pay?
- {n} has {a} boxes (of|with) {b} {t}( each|) and {c} boxes (of|with) {d} {u}( each|). How many things are
  (there|that)( in all| altogether|)?
- {a} (classes|groups) sold {b} tickets each and {c} (classes|groups) sold {d} tickets each. How many tickets were
  sold( in all| altogether|)?
- {n} works {a} hours at {b} dollars an hour and {c} hours at {d} dollars an hour. How much does {n} earn( in total|)?
- A farmer has {a} (fields|rows) with {b} plants each and {c} (fields|rows) with {d} plants each. How many plants does
  the farmer have?
- {n} drives {a} hours at {b} km per hour and then {c} hours at {d} km per hour. How far does {n} drive( in all|
  altogether|)?
- There are {a} tables with {b} chairs each and {c} tables with {d} chairs each( in {p}|). How many chairs are there?
- {n} (buys|bought) {a} packs of {b} {t} and {c} packs of {d} {t}. How many {t} is that( altogether| in all|)?
- What do {a} {t} for {b} dollars each and {c} {u} for {d} dollars each cost together?""",
        "{a} * {b} - {a}": """
- {n} has {a} {t}. {m} has {b} times as many. How many more {t} does {m} have than {n}?
- {n} is {a} years old. {m} is {b} times as old. How much older is {m} than {n}?
- {n} found {a} {t}, and {m} found {b} times as many. How many more did {m} find?
- A small box holds {a} {t} and a large box {b} times as many. How many more does the large one hold?
- {n} sold {a} {t} and {m} sold {b} times as many. What is the difference?""",
        "{a} - {a} // 2": """
- {n} (has|had) {a} {t} and (gives|gave) half of them (away|to {m}). How many {t} (are left|does {n} still have)?
- Half of the {a} {t} in {p} (are|were) sold. How many (remain|are left)?
- {n} baked {a} {t} and ate half of them. How many {t} are left( over|)?
- There are {a} {t} (in a box|on the table). {n} takes half of them. How many (are left|remain)?
- {n} had {a} dollars and spent half of it( at {p}|). How (much|many dollars) (is|are) left?""",
        "{a} // 3": """
- A third of the {a} {t} are (red|new|broken). How many {t} is that?
- {n} has {a} {t} and gives a third of them to {m}. How many {t} does {m} get?
- One third of the {a} people (in|at) {p} are children. How many children are there?
- {n} reads a third of a book of {a} pages. How many pages is that?
- A third of {a} {t} (are|were) sold. How many (are|were) sold?""",
        "{a} // 4": """
- A quarter of the {a} {t} are (red|new|broken). How many {t} is that?
- {n} has {a} {t} and gives a quarter of them to {m}. How many {t} does {m} get?
- One quarter of the {a} people (in|at) {p} are children. How many children are there?
- {n} spends a quarter of {a} dollars( at {p}|). How many dollars is that?
- A quarter of {a} {t} (are|were) sold. How many (are|were) sold?""",
        "round({a} * {q} / 100, 4)": """
- {q}% of the {a} {t} (in {p} |)are (red|new|broken). How many {t} (is that|are that)?
- {q} percent of {a} (students|people) (like {t}|came by bus). How many (students|people) is that?
- {n} saves {q}% of {a} dollars. How much does {n} save?
- A bill is {a} dollars and {n} tips {q} percent. How much is the tip?
- {n} pays {q}% tax on {a} dollars. How much tax is that?""",
        "round({a} * (100 - {q}) / 100, 4)": """
- A (coat|bike|lamp) costs {a} dollars and is {q}% off. (What is the (new|sale) price?|How much does it cost now?)
- {n} gets a discount of {q} percent on a price of {a} dollars. How much does {n} pay?
- The price of {a} dollars (is|was) (reduced|lowered) by {q}%. What is the new price?
- {n} had {a} {t} and lost {q}% of them. How many are left?
- A (coat|bike|lamp) for {a} dollars is reduced by {q} percent. What is the price now?""",
        "round({a} * (100 + {q}) / 100, 4)": """
- The price of {a} dollars (goes|went) up by {q}%. What is the new price?
- {n} earns {a} dollars and gets {q} percent more. How much does {n} earn now?
- A (meal|room) costs {a} dollars plus {q}% tax. What is the total?
- {p} had {a} visitors last year and {q}% more this year. How many (visitors |)came this year?
- The rent of {a} dollars was raised by {q} percent. What is the new rent?""",
        "round(({a} + {b}) / 2, 4)": """
- {n} scored {a} and {b} points in two games. What is the average?
- On two days {n} sold {a} and {b} {t}. What is the (average|mean)( per day|)?
- One box weighs {a} kg and the other {b} kg. What is the average weight?
- {n} ran {a} km on Monday and {b} km on Tuesday. What was the average?
- {n} has {a} {t} and {m} has {b}. What is the average number of {t}?""",
        "round(({a} + {b} + {c}) / 3, 4)": """
- {n} scored {a}, {b} and {c} points in three games. What is the average( score|)?
- On three days {n} sold {a}, {b} and {c} {t}. What is the (average|mean)( per day|)?
- {n} got {a}, {b} and {c} (points|marks) on three tests. What is the mean( score|)?
- The temperatures were {a}, {b} and {c} degrees. What is the average temperature?
- Three boxes weigh {a} kg, {b} kg and {c} kg. What is the average weight?""",
    }.items()
    for text in texts.split("- ")[1:]
)
