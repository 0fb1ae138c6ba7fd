"""Word problems and the formulas that solve them, every fifth one held out: `- ` begins each, `(x|y)` draws one."""

from __future__ import annotations

from typing import Final

STORIES: Final[tuple[tuple[str, str], ...]] = tuple(
    (" ".join(text.split()), formula)
    for formula, texts in {
        "{a} + {b}": """
- {n} (has|owns|keeps) {a} {t}( at home| in a drawer|). (Later |Then |){n} (buys|gets|finds|receives) {b} more. How many
  {t} does {n} have (now|in all|altogether)?
- {n} has {a} {t}(,| and) {m} has {b}( {t}|). How many do (they|the two|{n} and {m}) have (together|in total|in all)?
- There are {a} {t} and {b} {u} (in|at) {p}. (How many (things|items) are there (in total|altogether|in all)?|What is
  the total number of things?|Find how many items there are in all.)
- {n} (picked|found|counted|collected) {a} {t} on (Monday|Saturday|the first day) and {b}( more|) (on Sunday|the next
  day). (How many( {t}|) (is that|did {n} get) (altogether|in all|in total)?|What is the total number of {t}?)
- How many {t} are( there|) in both (boxes|crates|baskets)( together|) if one (holds|contains) {a} and the other {b}?
- On one shelf there are {a} {t}(, on| and on) another( there are|) {b}. How many {t} are on both shelves( together|)?
- {n} (walked|ran|hiked|cycled) {a} (km|miles|meters) (before lunch|in the morning) and (another |then |){b} (after
  lunch|later|in the afternoon). (How far did {n} go (altogether|in all|that day)?|What is the total distance?)
- {n} scored {a} points in the first (game|round|test) and {b}( points|) in the second( one|). (What is the total
  score?|How many points is that (in all|altogether)?|How many points did {n} score in total?)
- {n} is {a} years old( now| today|). How old will {n} be (in {b} years|{b} years from now|after {b} more years)?
- {n} is {a}( years old|). {m} is {b} years older( than {n}|). (How old is {m}?|What is {m}'s age?)
- One (tree|tower) is {a} years old(, another|. Another one) is {b} years older. How old is the (second|older) one?
- {n} (has|owns|found) {a} {t}. {m} (has|owns|found) {b} more( than {n}|). How many {t} (does {m} have|are {m}'s)?
- A (jacket|chair|lamp|ball) (costs|sells for) {a} dollars and a (book|hat|cup) (costs |){b} dollars. (How much do
  (both|the two) cost (together|in total)?|What is the total (price|cost)?|Find the total cost.)
- {a} (students|tourists) went to {p} by (bus|train) and {b}( more|) (by car|on foot). How many went( there|) in all?
- In a (recipe|bowl|mixture), {a} grams of (flour|rice|sugar) and {b} grams of (butter|milk|cheese) are
  (mixed|combined). (What is the total weight?|How many grams is that (in all|altogether|in total)?)
- {a} girls and {b} boys (are|play|work|meet) (in|at) {p}. How many children (are there|is that) (in all|in total)?
- A (bus|train|tram) had {a} passengers( on board|). At (the next stop|{p}) {b} (more |)people got on. How many
  (people|passengers) are (on it|on board) now?
- {n} planted {a} (trees|roses|bushes) (last year and {b} this year|in spring and {b} in fall). How many (did {n}
  plant|are there) (in total|altogether)?
- If {n} has {a} {t} and {m} (gives|hands) {n} {b} (more|others), how many {t} (will|does) {n} have( then| in all|)?
- {n} saved {a} dollars in (May and {b} dollars in June|the first week and {b} dollars in the second). (How much (did
  {n} save|was saved) (altogether|in all)?|What is the total of the savings?)
- {a} {t} were (sold|delivered|made|packed) (yesterday and {b} today|on Friday and {b} on Saturday). (What is the
  sum?|What is the total?|How many {t} is that (in all|altogether)?)
- After {n} gave away {a} {t}, {n} still had {b}( left|). How many {t} did {n} have (at first|before|in the beginning)?
- {n} (lost|sold|used) {a} {t} and (now |)has {b} left. How many {t} did {n} have (at first|before|to begin with)?
- A (rope|ribbon|wire) was cut into two pieces of {a} and {b} (cm|meters|inches). How long was it (before|originally)?
- Some {t} were (on a table|in {p}|in a box). {n} took {a}( away|), and {b} were left. How many {t} were there (at
  first|before)?""",
        "{a} - {b}": """
- {n} had {a} {t}. {n} (gave|sold|lent|sent) {b}( of them|) to {m}. How many {t} (does {n} have left|are left|remain)?
- There were {a} {t} (in|at) {p}. {b}( of them|) were (sold|stolen|moved|thrown away)( today| by noon|). (How many(
  {t}|) (remain|are left|are still there)?|Find how many {t} are left.)
- {n} (has|owns) {a} {t}(. {m} has| and {m} has|, {m}) {b}. (How many more {t} does {n} have( than {m}|)?|What is the
  difference?|How many fewer {t} does {m} have( than {n}|)?)
- {n} needs {a} {t}( for a party| for school|) but (has only|only has|has just) {b}. How many more( {t}|) (does {n}
  need|are needed)?
- A book has {a} pages. {n} has (already |)read {b}( of them| pages|). How many pages (are left|remain)?
- {n} (baked|made|cooked) {a} (cookies|pancakes|muffins) and (ate|gave away|sold|burned) {b}. How many are left( over|)?
- Of the {a} {t} (in|at) {p}, {b} are (broken. How many are not broken|red. How many are not red|new. How many are not
  new)?
- {n} had {a} dollars and (spent|paid) {b} dollars (at {p}|on a book|for lunch). How much( money|) (is left|does {n}
  have left|remains)?
- A (train|bus|ferry) carries {a} people. At (the next stop|{p}), {b}( people| of them|) get off. How many( people|)
  (stay on it|remain)?
- A (rope|wire|board|ribbon) is {a} (cm|inches|meters) long. {n} (cuts off|takes off) {b}. (How much of it is left?|What
  length remains?)
- A class has {a} (students|children|pupils). {b}( of them|) are (girls. How many are boys|absent. How many are
  present|ill. How many are not ill)?
- {n} scored {a} points(,| and) {m} (only |){b}. (By how many points did {n} win?|What is the difference between the
  scores?|How many more points did {n} score( than {m}|)?)
- {n} is {a} years old and {m} is {b}. (How (many years|much) older is {n}( than {m}|)?|What is the difference between
  their ages?|How many years younger is {m}?)
- {n} (has|owns|picks) {a} {t}. {m} (has|owns|picks) {b} (fewer|less). How many {t} (are {m}'s|is that for {m})?
- {n} (runs|walks|cycles|drives) {a} km. {m} (runs|walks|goes) {b} km less( than {n}|). How (far|many km) does {m} go?
- One (bag|book|coat) costs {a} dollars(, another one|. Another one costs) {b} dollars less. (What is the price of the
  second one?|How much does the (second|cheaper) one cost?)
- (After|When) {b} of the {a} {t} (in {p} |)(were sold|were lost|broke), how many( {t}|) (remained|were left)?
- How many {t} (are left|remain|are still there) (if|when) {b} of {a} (are taken away|are used|get lost)?
- A (bag|box|basket|jar) (holds|has) {a} {t}. {n} takes (out {b}|{b} out). How many {t} are still (in it|inside|there)?
- (A theater|A bus|A hall) has {a} seats( in all|). {b}( of them| seats|) are taken. How many( seats|) are (still
  empty|not taken|left)?
- A parking lot has {a} (spaces|places) and {b} (are used|are taken|are not empty). How many (are empty|are free)?
- {n} wants to save {a} dollars( for a bike| for a trip|) and (already has|has saved|has) {b} dollars. How (much|many
  dollars) more (does {n} need|is needed)?
- The (trip|way|road) to {p} is {a} km long. {n} has (driven|walked) {b} km( already|). How many km (remain|are left)?
- {n} had some {t}. {m} gave {n} {b} more( and now|. Now) {n} has {a}. How many( {t}|) did {n} have (at first|before)?
- {n} and {m} have {a} {t} (together|in all). {b} of them (belong to {m}|are {m}'s). How many (belong to {n}|are {n}'s)?
- Together {n} and {m} (have|own|found) {a} {t}. {m} (alone |)(has|owns|found) {b}. How many (belong to|are from) {n}?
- {a} (guests|people|friends) were invited( to a party| by {n}|), but {b}( of them|) did not come. How many came?
- A (store|baker|farmer) (had|started with) {a} {t}, and (in the evening|at closing time) {b} (remained|were left). How
  many were sold?
- A (shirt|bike|table) costs {a} dollars. (In a sale|This week), the price (drops|is reduced|goes down) by {b} dollars.
  (What is the new price?|How much does it cost now?)
- A (tank|barrel|pool) holds {a} liters( of water|). {b} liters (are used|are taken out|get lost). How many liters
  (remain|are left)( in it|)?""",
        "{a} * {b}": """
- {n} has {a} (boxes|bags|jars|baskets) with {b} {t} (in each|each|apiece). How many {t} (does {n} have|are there) (in
  total|in all)?
- Each (bag has|box holds|pack contains) {b} {t}. {n} (buys|has|carries) {a} of them. How many {t} (is that|does {n}
  have)( in all|)?
- {n} (buys|orders) {a} {t}( at {p}|). (Each|Each one|Every one) costs {b} dollars. (How much does {n} pay( altogether|
  in total|)?|What is the total (cost|price)?)
- (There are|{n} counts) {a} rows of {b} (seats|chairs|trees|{t}) (in|at) {p}. How many (are there|is that) (in
  all|altogether|in total)?
- How many {t} are( there|) in {a} (boxes|cartons|sacks|crates) (if|when) each( one| of them|) (holds|contains|has) {b}?
- {n} (drives|travels|cycles) (for |){a} hours at {b} km (per|an) hour. (How far does {n} go?|What is the distance?|How
  many km is that?)
- {n} (walks|sails|rides) {b} km (an|per|each|every) hour( for| and does so for) {a} hours. (How far does {n} get?|Find
  the distance.)
- {n} (earns|makes|is paid) {b} dollars (an|per) hour. How much (does {n} get|is that) (for|in) {a} hours( of work|)?
- Every (week|Sunday|Friday) {n} (saves|puts aside) {b} dollars. How much is that (in|after) {a} weeks?
- A (printer|copier|press) prints {b} pages (a|every) minute. How many pages (does it print|are printed) in {a} minutes?
- A (machine|robot) (makes|produces|builds) {b} {t} (per|every) hour. How many {t} (does it make|are made) in {a} hours?
- (One|A) ticket (for|to) {p} costs {b} dollars. (How much|What) do {a} tickets cost( in total| altogether|)?
- {a} (friends|children|students) each (bring|carry|make) {b} {t}. How many {t} (is that|are there) (altogether|in all)?
- If (one bus|a boat|each plane) (carries|holds) {b} people, how many people (can {a} of them carry|fit in {a} of them)?
- {a} {t} weigh {b} (kg|pounds) (each|apiece). (What is the total weight?|How much do they weigh (in all|altogether)?)
- A carton (has|holds|contains) {b} eggs. (How many eggs are( there|) in {a} cartons?|{n} buys {a} cartons. How many
  eggs is that?)
- {n} (reads|writes|translates) {b} pages (a|per|each|every) day. How many pages (is that|does {n} manage) in {a} days?
- {n} has {a} times as many {t} as {m}. {m} has {b}( {t}|). How many( {t}|) (does {n} have|are {n}'s)?
- {m} (has|found|made) {b} {t}(. {n}| and {n}) (has|found|made) {a} times (as many|that number). How many (are {n}'s|is
  that for {n})?
- {m} is {b} years old(. {n}|, and {n}) is {a} times as old( as {m}|). (How old is {n}?|What is the age of {n}?)
- (At|In) {p} there are {a} tables with {b} chairs (each|at each table|at every table). How many chairs (are there|is
  that)( in all|)?
- A garden has {a} (beds|rows). {n} plants {b} (flowers|tulips|carrots) in (each|every) one. How many (are planted|is
  that)( in total|)?
- A (tap|pump|hose) (gives|moves|delivers) {b} liters (a|each) minute. How many liters is that (in|after) {a} minutes?
- {n} gives {b} {t} to each of {a} (friends|children). How many {t} does {n} (need|give away)( in total| altogether|)?
- A (company|farmer|museum) pays {b} dollars to each of {a} workers. How much does (it|the boss) pay (in all|in total)?
- (Rice|Cheese|Coffee|Gold) costs {b} dollars (a|per) kg. (What|How much) (do|would) {a} kg( of it|) cost?
- A (plane|ship) (travels|moves) at {b} (km/h|km per hour|miles per hour). How far does it (go|travel|get) in {a} hours?
- A (field|room|wall) is {a} meters long and {b} meters (wide|high). What is (its area|the area( in square meters|))?
- {n} (types|reads|speaks) {b} words (a|per) minute. How many words (is that|does {n} manage) in {a} minutes?
- A (snail|turtle|robot|bird) (moves|gets|travels) {b} meters (every|each|per) minute. How (far|many meters) does it go
  in {a} minutes?""",
        "{a} // {b}": """
- {n} (shares|divides|splits) {a} {t} (equally|evenly|fairly) (among|between) {b} (friends|children). How many( {t}|)
  does each( one|) get?
- {a} {t} are (packed|placed) (into|in) (boxes of {b}. How many boxes|bags of {b}. How many bags) are (needed|filled)?
- {n} (divides|splits|sorts) {a} {t} into {b} equal (groups|piles|parts|rows). How many( {t}|) are in (each|each one)?
- {n} has {a} {t} and puts {b}( of them|) (in|into) each (bag. How many bags|box. How many boxes|jar. How many jars)
  does {n} (fill|need)?
- {b} (people|friends|tourists) (split|share) a bill of {a} dollars (equally|evenly). How much (does each( one| person|)
  pay|is it for each)?
- {n} (paid|spent) {a} dollars (for|on) {b} {t}. (What is the price of one?|How much did (each|one) cost?|How much is
  that per piece?)
- {n} reads {b} pages (a|per|each|every) day. How many days (does {n} need|does it take) for a book (of|with) {a} pages?
- {a} {t} are (spread|arranged|placed) evenly (over|on|across) {b} shelves. How many( {t}|) are on (one|each) shelf?
- {n} (drives|walks|rides) {a} km in {b} hours. (How many km is that per hour?|What is the speed in km per hour?|How far
  is that each hour?)
- A (train|car|ship) (covers|travels) {a} km at {b} km per hour. How many hours does (it take|it need|the trip take)?
- {n} (walks|cycles|goes) {b} km (an|per|each) hour. How many hours (does {n} need|does it take) (for|to cover) {a} km?
- {a} (students|children|players) (form|make|are divided into) {b} equal (teams|groups). How many are in each( one|)?
- {a} (students|players|people) are (divided|put) into (teams|groups) of {b}. How many (of these|of them) are there?
- If {b} (boxes|bags|jars) (hold|contain) {a} {t} (in all|altogether) and each has the same number, how many are in
  (each|one)?
- How many (cartons|trays|boxes) (are needed|does {n} need) for {a} (eggs|rolls|{t}) if each( one| of them|) holds {b}?
- A (carton holds {b} eggs. How many cartons|tray holds {b} eggs. How many trays) (are needed|does {n} need) for {a}
  eggs?
- {n} (earned|made|got) {a} dollars in {b} (hours. How much is that per hour|days. How much is that per day|weeks. How
  much is that each week)?
- {n} (wants|needs) to save {a} dollars and (saves|puts aside) {b} dollars (a|per|each|every) week. How many weeks does
  (it take|{n} need)?
- A (ribbon|rope|plank) of {a} cm is (cut|divided) into {b} equal (pieces|parts). How long is (each|one of them)?
- {n} (cuts|divides) a (string|board) of {a} (meters|feet) into pieces of {b}. How many pieces (are there|does {n} get)?
- {a} chairs (stand|are set|are arranged) in {b} equal rows. How many( chairs|) are in (each|one) row?
- A (tank|pool|barrel) of {a} liters is filled (at|with) {b} liters per minute. How many minutes does it take?
- (One|A) (ticket|ball|notebook) costs {b} dollars. How many( of them|) can {n} (buy|get) (with|for) {a} dollars?
- {n} has {a} {t}(, which is|. That is) {b} times as many as {m} has. How many( {t}|) does {m} have?
- {a} {t} were given to {b} (children|guests|teams), the same number to each. How many( {t}|) did each( one|) get?""",
        "{a} * {b} + {c}": """
- {n} has {a} (boxes|bags|packs) of {b} {t} and {c} (loose|extra|single) (ones|{t}). How many {t} (does {n} have|are
  there) (in all|in total)?
- {n} buys {a} {t} for {b} dollars (each|apiece) (and|plus) a (bag|book|cap) for {c} dollars. (What is the total(
  cost|)?|How much is that in all?)
- A (house|hotel|school) has {a} rooms with {b} (lamps|beds|chairs) each (and|plus) {c} more (outside|in the hall). How
  many is that (in all|in total)?
- {n} (runs|walks|cycles) {b} km (a|each|every) day for {a} days and {c} km on the last day. (How far is that in
  all?|What is the total distance?)
- A (plumber|mechanic|teacher) (asks|takes) {b} dollars (per|an|for each) hour plus {c} dollars for (the trip|tools).
  How much do {a} hours cost (in all|in total)?
- {n} (fills|packs) {a} (boxes|bags) with {b} {t} each and has {c} left( over|). How many {t} (did {n} have|were there)
  (in all|at first)?
- {n} (earns|makes) {b} dollars an hour. {n} works {a} hours and gets (a tip|an extra|a bonus) of {c} dollars. How much
  is that (in all|in total)?
- {a} (teams|groups) of {b} (players|children) and {c} (coaches|teachers|adults) (travel|go) to {p}. How many people
  (go|is that)( in all|)?
- Each of {a} (children|friends) (brings|gives) {b} {t}. (Then |){m} (brings|adds) {c} more. How many {t} (are there|is
  that) (in all|altogether)?
- A (theater|hall|cinema) has {a} rows of {b} seats (and|plus) {c} (extra|loose|single) seats. How many( seats|) are
  there (in all|in total)?""",
        "{c} + {a} * {b}": """
- {n} has {c} {t} and buys {a} (packs|boxes|bags) (with|of) {b}( {t}|) each. How many {t} (does {n} have|are there)
  (now|in all)?
- There are {c} {t} (in|at) {p}. A (truck|van) (brings|delivers) {a} crates with {b} {t} each. How many {t} are there
  (now|in all)?
- {n} has {c} dollars. (Every|Each) week {n} (adds|saves) {b} dollars( more|). How much (does {n} have|is there) after
  {a} weeks?
- {n} buys a (lamp|chair|bag) for {c} dollars and {a} {t} (at|for) {b} dollars each. (What is the total( cost|)?|How
  much is that in all?)
- A (taxi|ferry|boat) costs {c} dollars plus {b} dollars (per|for each) km. How much does a (ride|trip) of {a} km cost?
- The (entry to {p}|fee) is {c} dollars(, plus| and then|, and) {b} dollars (for each|per) ride. How much (does {n} pay
  for {a} rides|do {a} rides cost)?
- A (plant|tree) is {c} cm tall and grows {b} cm (a|per|each|every) week. How tall (is it|will it be) after {a} weeks?
- {n} (read|wrote) {c} pages (yesterday|on Monday) and then {b} pages a day for {a} days. How many pages (is that|were
  there) (in all|in total)?
- {n} (found|had) {c} {t}. Then {a} friends (gave|brought) {n} {b} (each|apiece). How many {t} does {n} have (now|in
  all)?
- A (tank|barrel|pool) has {c} liters in it. A pump adds {b} liters (per|each|every) minute. How many liters are in it
  after {a} minutes?""",
        "{a} * {b} - {c}": """
- Each of {a} (boxes|bags) (has|holds) {b} {t}. {c}( of them|) are (broken|bad|old). How many good {t} are (there|left)?
- {n} picks {b} {t} (a|each) day for {a} days and then (sells|gives away|loses) {c}. How many {t} (are left|remain)?
- {n} (buys|has|finds) {a} (packs|boxes|bags) of {b} {t} and (uses|loses|sells) {c}. How many {t} (are left|remain)?
- {n} (earns|makes) {b} dollars (an|per) hour, works {a} hours and spends {c} dollars. How much money (is left|remains)?
- There are {a} rows of {b} seats (in|at) {p}. {c}( seats| of them|) are (broken|taken). How many (are left|remain)?
- {a} (friends|children) each bring {b} {t}. {c}( of them|) (get lost|are taken|break). How many {t} (remain|are left)?
- {n} (buys|orders) {a} {t} at {b} dollars each (and gets|with) a discount of {c} dollars. How much does {n} pay?
- A (baker|cook|factory) makes {a} trays of {b} (rolls|pies|cookies) and sells {c}. How many (are left( over|)|remain)?
- {n} saves {b} dollars a week for {a} weeks, then (buys a bike for|spends|gives {m}) {c} dollars. How much( money|)
  (remains|is left)?
- {n} plants {a} rows with {b} (trees|roses|carrots) each. (In winter|Later) {c}( of them|) (are lost|die|break). How
  many (are left|remain)?""",
        "({a} + {b}) * {c}": """
- A class has {a} girls and {b} boys. (Each|Every) child (gets|needs|receives) {c} {t}. How many {t} are needed in all?
- {n} makes {a} {t} in the morning and {b} in the (evening|afternoon)( every day|), for {c} days. How many {t} (is
  that|are made)( in all|)?
- {n} bought {a} {t} and {b} {u}. (Each|Every) (thing|item|one of these) costs {c} dollars. (How much is that in
  all?|What is the total( cost|)?)
- {n} has {a} {t} and {m} has {b}. They sell all (of them|{t}) for {c} dollars (each|apiece). How much( money|) do they
  get( in all|)?
- {a} adults and {b} children (visit|go to) {p}. (Each|Every) (ticket|seat|pass) costs {c} dollars. How much do they pay
  (in all|altogether)?
- {n} works {a} hours on (Monday|Friday) and {b} hours on (Sunday|Saturday) for {c} dollars an hour. How much( money|)
  does {n} get( in all|)?
- There are {a} (red|big|old) (boxes|bags) and {b} (blue|small|new) ones, each with {c} {t}( inside|). How many {t} are
  there (in all|altogether)?
- Every day {n} walks {a} km to {p} and {b} km (home|back|to a friend). How (far|many km) is that in {c} days?
- {a} (cars|taxis) and {b} (vans|boats) go to {p} with {c} people in each. How many people (go|is that)( in all|)?
- A farmer has {a} cows and {b} (goats|horses|sheep). Each (animal|one) (needs|gets) {c} kg of food. How many kg are
  needed( in all|)?""",
        "({a} - {b}) * {c}": """
- {n} had {a} {t}, gave away {b}(,|) and sells the rest for {c} dollars (each|apiece). How much( money|) (is that|does
  {n} get)?
- Of {a} {t}, {b} are (broken|bad|lost). The (others|rest) are sold for {c} dollars each. How much( money|) is that?
- {a} (children|guests) were invited, but {b} did not come. Each (one|person) who came got {c} {t}. How many {t} (is
  that|were needed)?
- In a class of {a} students, {b} are (absent|ill). The others get {c} (pencils|{t}) each. How many is that( in all|)?
- {n} (baked|made|cooked) {a} (cookies|pies|cakes) and (ate|kept) {b}. The others were sold for {c} dollars
  (each|apiece). How much( money|) is that?
- A (bus|boat|plane) has {a} seats, but {b} are empty. Each (passenger|person on it) pays {c} dollars. How much is that
  in all?
- {n} (earns|gets) {a} dollars a week and spends {b}( dollars|). How much (is left after|is saved in) {c} weeks?
- A tank (gets|gains) {a} liters (per|an) hour and loses {b} liters (per|an) hour. How many liters (is that|are left)
  after {c} hours?
- {n} bought {a} boxes and (returned|lost|sold) {b}. The (rest|others) hold {c} {t} each. How many {t} is that in all?
- A (factory|shop|baker) makes {a} {t} a day and (sells|loses) {b} a day. How many( {t}|) are left after {c} days?""",
        "{a} + {b} - {c}": """
- {n} had {a} {t}, got {b} more( from {m}|) and (lost|sold|used) {c}. How many {t} (does {n} have now|are left|remain)?
- A (bus|train|ferry) had {a} people on it. {b} got on and {c} got off. How many are (on it|there) now?
- There (are|were) {a} {t} and {b} {u} (in|at) {p}. {c} of these (things|items) are (sold|taken|lost). How many things
  are left?
- {n} (has|starts with) {a} dollars, (earns|gets) {b} dollars and (then |)spends {c} dollars. How much( money|) (is
  left|does {n} have now)?
- {n} (picked|found) {a} {t} and {m} {b}. (Together they|They) (used|sold|gave away) {c}( of them|). How many( {t}|)
  (are left|remain)?
- A class has {a} girls and {b} boys. (Today |){c}( children| of them|) are (absent|ill|not there). How many( children|)
  are (there|left)?
- {n} (baked|made) {a} (rolls|pies) in the morning and {b} (more |)in the afternoon and sold {c}( of them|). How many
  (remain|are left)?
- A (tank|barrel) has {a} liters in it. {b} liters are added, then {c} liters are (used|lost). How many liters (are
  left|are in it now)?
- A (library|school) has {a} books, (buys|gets) {b} (more|new ones) and gives away {c}. How many( books|) (does it have
  now|remain)?
- (On Monday|First) {n} won {a} marbles, (on Tuesday|then) {b} more. Then {n} lost {c}( of them|). How many( marbles|)
  (are left|remain)?""",
        "{a} - {b} + {c}": """
- There (were|are) {a} people on a (bus|train|ship). {b} (got off|left) and {c} got on. How many are on it now?
- {n} had {a} {t}, gave {b} to {m} and (then |later |)(bought|found|got) {c} more. How many( {t}|) does {n} have( now|)?
- There were {a} {t} (in|at) {p}. {b} were (sold|taken)(, then| and) {c} (new ones|others) (arrived|were added). How
  many are there now?
- {n} has {a} dollars, spends {b} dollars and (then |)(gets|finds) {c} dollars. How much( money|) does {n} have( now|)?
- A (tank|barrel|pool) with {a} liters( of water|) loses {b} liters. Then {c} liters are added. How many liters (are in
  it|are there) now?
- {n} had {a} marbles, lost {b}( of them|) and (then |)won {c}( others|). How many does {n} have (now|in the end)?
- A library (with {a} books|has {a} books and) (lends|gives) out {b} and gets {c} others. How many( books|) are there
  now?
- A (club|team|choir) has {a} members. {b} (leave|quit) and {c} (join|new ones come). How many( members|) (are
  there|does it have) now?
- A farmer has {a} (hens|cows|sheep), sells {b}(,|) and (then |)(buys|gets) {c} (more|others). How many are there now?
- A (box|bag) has {a} {t}( in it|). {n} takes out {b} and (then |later |)(adds|puts in) {c} others. How many( {t}|) are
  (in it|there) now?""",
        "{a} - {b} - {c}": """
- {n} had {a} {t}, gave {b} to {m} and (lost|sold|broke) {c}. How many( {t}|) (does {n} have left|are left|remain)?
- There were {a} {t} (in|at) {p}. {b} were sold (in the morning|on Monday) and {c} (in the afternoon|later). How many(
  {t}|) (remain|are left)?
- {n} had {a} dollars. {n} spent {b} dollars on (food|a hat) and {c} dollars on (a book|tickets). How much( money|) (is
  left|remains)?
- A bus has {a} people on it. {b} get off at the first stop and {c} at the (next|second). How many (remain|are left)?
- A book has {a} pages. {n} read {b} (pages |)(yesterday and {c} today|on Monday and {c} on Tuesday). How many( pages|)
  (are left|remain)?
- Of {a} (students|workers|children), {b} walk to {p}, {c} (go by bike|take the train) and the (rest|others) take the
  bus. How many take the bus?
- {n} (baked|made) {a} (cookies|pancakes|rolls). {n} ate {b} and {m} ate {c}. How many (are left|remain|are left over)?
- From a (rope|wire|ribbon) of {a} meters {n} cuts off {b}( meters|) and then {c}( meters|). How (long is the rest|many
  meters remain)?
- In a (box|crate) of {a} {t}, {b} are broken and {c} are missing. The (rest|others) are good. How many( {t}|) are good?
- Of the {a} (balls|{t}) in a (bag|box), {b} are red, {c} are blue and the (rest|others) are green. How many( of them|)
  are green?""",
        "{d} - {a} * {b}": """
- {n} pays for {a} {t} at {b} dollars each with {d} dollars. How much (change|money) (is due|does {n} get back)?
- {n} has {d} dollars and buys {a} {t} for {b} dollars (each|apiece). How much( money|) (is left|does {n} have left)?
- {n} has {d} {t} and gives {b}( of them|) to each of {a} (friends|children). How many( {t}|) (are left( over|)|remain)?
- {n} (had|saved) {d} dollars. (Every|Each) week {n} spends {b} dollars. How much (is left|remains) after {a} weeks?
- A book has {d} pages. {n} reads {b} pages (a|per|each|every) day for {a} days. How many( pages|) (remain|are left)?
- A (tank|pool) has {d} liters and loses {b} liters (an|every) hour. How many liters (are left|remain) after {a} hours?
- There are {d} {t} (in|at) {p}. {n} (takes|packs|sells) {a} boxes (of|with) {b}( each|). How many (are left|remain)?
- {n} needs {d} {t} and has {a} (packs|boxes) of {b}( each|). How many( more|) {t} (are missing|does {n} still need)?
- {n} wants a bike for {d} dollars and saves {b} dollars (a|per|every) week for {a} weeks. How much( money|) (is
  missing|does {n} still need)?
- {a} tickets (to|for) {p} cost {b} dollars (each|apiece). {n} pays with {d} dollars. How much (change|money) does {n}
  get back?""",
        "{d} - {a} - {b}": """
- {n} spends {a} dollars at {p} and {b} dollars at (the market|home) out of {d}( dollars|). (How much|What) is left?
- With a budget of {d} dollars, {n} pays {a} dollars for (food|paint) and {b} dollars for (music|tools). How much(
  money|) (is left|remains)?
- (From|Out of) {d} {t}, {n} (sells|uses|loses) {a} and gives {b} to {m}. How many( {t}|) (are left|remain)?
- {n} (used|took) {a} liters and then {b} liters (from|of) a tank of {d} liters. How many liters (are left|remain)?
- {n} buys a (book|cup|ball) for {a} dollars and a (pen|hat|toy) for {b} dollars. {n} pays with {d} dollars. How much
  change (is due|does {n} get)?
- {n} pays with {d} dollars for (a meal|lunch) of {a} dollars and a (drink|cake) of {b} dollars. How much (change|money)
  (is due|does {n} get back)?
- Three friends have {d} {t} (together|in all). One has {a}, another( has|) {b}. How many( {t}|) does the third( one|)
  have?
- {n} needs {d} {t}. {n} has {a} and {m} gives {n} {b}. How many( {t}|) (are still missing|does {n} still need)?
- In a (hall|theater|bus) with {d} seats, {a} are taken and {b} are broken. How many (are left|remain|are free)?
- The budget for a (trip|party|film) is {d} dollars. Food costs {a} dollars and (music|the bus) {b} dollars. How much(
  money|) (is left|remains)?""",
        "{a} + {b} + {c}": """
- {n} has {a} {t}, {m} has {b} and (a friend|someone else) has {c}. How many( {t}|) do they have (together|altogether)?
- A (farmer|zoo|village) has {a} cows, {b} sheep and {c} (goats|horses). How many animals is that( in total|)?
- {n} (sold|made|found) {a} {t} on Monday, {b} on Tuesday and {c} on Wednesday. (What is the total?|How many {t} is that
  (in all|altogether)?)
- A (shirt|lamp) costs {a} dollars, a (cap|book) {b} dollars and a (bag|ball) {c} dollars. (What is the total(
  price|)?|How much is that in all?)
- {n} scored {a}, {b} and {c} points in three (games|rounds|tests). (What is the total( score|)?|How many points is that
  (in all|altogether)?)
- {n} had {a} {t}. {n} (bought|found) {b} (more |)and {m} (gave {n}|added) {c} more. How many( {t}|) (are there|does {n}
  have) now?
- Three (boxes|bags|shelves) hold {a}, {b} and {c} {t}. How many( {t}|) (are there|is that) (in total|altogether)?
- {n} walked {a} km, cycled {b} km and (drove|sailed|ran) {c} km. (How far is that (in all|altogether)?|What is the
  total distance?)
- There are {a} {t}, {b} {u} and {c} other things (in|at) {p}. How many things are there (in all|in total|altogether)?
- A (bus|train) starts with {a} people. {b} more get on at the first stop and {c} more at the next. How many( people|)
  are there now?""",
        "{a} + {a} * {b}": """
- {n} has {a} {t}. {m} has {b} times as many( as {n}|). How many( {t}|) do they have (together|in all|altogether)?
- {n} (ran|walked|rode) {a} km on Saturday and {b} times (as far|that distance) on Sunday. (What is the total
  distance?|How far is that in all?)
- A (cup|book|ball) costs {a} dollars. A (coat|chair|bag) costs {b} times as much. How much do (both|the two) cost
  (together|in all)?
- {n} sold {a} {t} (in May|at first) and {b} times as many (in June|later). (What is the total?|How many( {t}|) is that
  in all?)
- {n} is {a} years old and {m} (is |){b} times (as old|that age). (What is the total of their ages?|How old are they
  together?)
- There are {a} (cats|cows) (in|at) {p} and {b} times as many (dogs|sheep|hens). How many animals are there (in
  all|altogether|together)?
- {n} found {a} {t}(, and|.) {m} found {b} times that number. How many( {t}|) did they find (together|altogether)?
- {n} scored {a} points in the first game and {b} times as many in the (second|next). (What is the total( score|)?|How
  many is that in all?)
- A class has {a} boys and {b} times as many girls( as boys|). How many children (are there|is that) (in all|in total)?
- {n} saved {a} dollars in (May|April) and {b} times as much in (June|July). How much is that (in all|together)?""",
        "{a} + {a} + {b}": """
- {n} has {a} {t}. {m} has {b} more( than {n}| {t} than {n}|). How many( {t}|) do they have (together|altogether)?
- {n} (ran|walked|rode) {a} km and {m} {b} km more( than {n}|). How many km (is that|did they do) (together|in all)?
- A (cup|book|ball) costs {a} dollars. A (coat|chair|bag) costs {b} dollars more. How much do (both|the two) cost
  (together|in all)?
- {n} sold {a} {t} on Monday and {b} more than that on Tuesday. (What is the total?|How many( {t}|) is that (in
  all|altogether)?)
- There are {a} cows on a farm and {b} more (sheep|goats|horses) than cows. How many animals are there (in
  all|altogether|together)?
- {n}'s (dog|cat|horse) is {a} years old and {m}'s is {b} years older. (What is the total of their ages?|How old are
  both together?)
- The first (box|bag|shelf) holds {a} {t}, the second( one|) {b} more than the first. How many( {t}|) are in both
  (together|in all)?
- {n} scored {a} points in the first game and {b} more than that in the (next|second). (What is the total( score|)?|How
  many is that in all?)
- A class has {a} boys and {b} more girls than boys. How many children (are there|is that) (in all|altogether|in total)?
- {n} saved {a} dollars in (May|April) and {b} dollars more than that in (June|July). How much is that (in
  all|together)?""",
        "2 * {a}": """
- {n} has {a} {t}. {m} has (twice as many( as {n}|)|twice that number|double that). How many( {t}|) does {m} have?
- {m} has twice as many {t} as {n}(, who has {a}|. {n} has {a}). How many( {t}|) does {m} have?
- {n} (ran|walked|rode) {a} km yesterday and twice (as far|that distance) today. How (far|many km) did {n} go today?
- A (cake|recipe|soup) needs {a} grams of (flour|rice|sugar). {n} (makes|wants) (double|twice) the amount. How many
  grams (are needed|is that)?
- A (cup|book|ball) costs {a} dollars. A (coat|chair|bag) costs (twice as much|double that|twice that). How much is (the
  second one|that)?
- {n} is {a} years old. {m} is (twice as old( as {n}|)|double that age). (How old is {m}?|What is {m}'s age?)
- {n} had {a} {t}( yesterday| last year|) and (has |)doubled the number. How many( {t}|) (are there|does {n} have) now?
- {n} scored {a} points and {m} scored (twice that|double that|twice as many). How many points (did {m} score|is that
  for {m})?
- A (tree|plant|tower) was {a} (cm|feet) tall. Now it is (twice as tall|twice as high|double that). How tall is it now?
- Last year {a} (people|tourists|students) came to {p}. This year the number (has doubled|is twice as high). How many
  came this year?""",
        "{a} + 2 * {a}": """
- {n} has {a} {t}. {m} has (twice as many( as {n}|)|double that). How many( {t}|) do they have (in all|altogether)?
- {n} (ran|walked|rode) {a} km on Saturday and twice (as far|that distance) on Sunday. (What is the total distance?|How
  far is that in all?)
- A (cup|book|ball) costs {a} dollars. A (coat|chair|bag) costs (twice as much|double that). How much do (both|the two)
  cost (together|in all)?
- {n} sold {a} {t} (in May|at first) and (twice as many|double that) (in June|later). (What is the total?|How many(
  {t}|) is that in all?)
- {n} is {a} years old and {m} is twice as old( as {n}|). (What is the total of their ages?|How old are they together?)
- There are {a} (cats|cows) (in|at) {p} and twice as many (dogs|sheep|hens). How many animals are there (in
  all|altogether|together)?
- {n} found {a} {t}(, and|.) {m} found (twice|double) that number. How many( {t}|) did they find (in all|together)?
- {n} scored {a} points in the first game and (twice as many|double that) in the (second|next). (What is the total(
  score|)?|How many is that in all?)
- A class has {a} boys and twice as many girls( as boys|). How many children (are there|is that) (in all|in total)?
- {n} saved {a} dollars in (May|April) and (twice as much|double that) in (June|July). How much is that (in
  all|together)?""",
        "{a} // 2": """
- {n} has {a} {t} and gives half of (them|these) to {m}. How many( {t}|) (does {m} get|does {n} give away|are left)?
- {n} has {a} {t}. {m} has (half as many( as {n}|)|half that number). How many( {t}|) does {m} have?
- Half of the {a} (students|people|children) (in|at) {p} are (girls. How many girls|women. How many women|boys. How many
  boys) are there?
- {n} had {a} dollars and (spent|lost|gave away) half of (it|the money). How much( money|) (is left|remains)?
- A book has {a} pages. {n} has (already |)read (half of it|half). How many pages (has {n} read|are left|remain)?
- {n} is {a} years old. {m} is half (as old( as {n}|)|that age). (How old is {m}?|What is {m}'s age?)
- A (rope|ribbon|board) of {a} (cm|inches) is cut in half. How long is (each (half|piece)|one half)?
- {n} and {m} (split|divide) {a} {t} in half. How many( {t}|) does (each|each of them|{n}|{m}) get?
- A (coat|bike) costs {a} dollars. (In a sale|Today) it costs half (as much|the price). How much does it cost( now|)?
- There are {a} people on a (bus|train|ship). Half of them (get off|leave)( at {p}|). How many (are left|remain)?""",
        "{a} % {b}": """
- {n} packs {a} {t} (into|in) (boxes|bags|crates) of {b}. How many( {t}|) are left over( in the end|)?
- {n} (shares|divides|splits) {a} {t} (equally|evenly) among {b} (friends|children). How many( {t}|) are left over?
- {a} (students|players) form (teams|groups) of {b}. How many( of them|) are left over( without a team| in the end|)?
- {n} has {a} {t} and fills as many (bags|boxes) of {b} as possible. How many( {t}|) are left over( then|)?
- A (rope|ribbon|board) of {a} cm is cut into (pieces of {b} cm|as many pieces of {b} cm as possible). How many cm are
  left over?
- {n} has {a} dollars and buys as many {t} as possible (for|at) {b} dollars each. How (much|many dollars) (is|would be)
  left over?
- If {a} {t} are (divided|cut) (equally|evenly) into {b} (groups|piles), (how many are left over|what is the remainder)?
- {a} eggs are (put|packed) (in|into) cartons of {b}. How many( eggs|) are left over?
- {n} (puts|arranges|plants) {a} {t} in (full |)rows of {b}. How many( {t}|) are left over( after the last full row|)?
- How many {t} are left over (if|when) {n} (packs|puts|arranges) {a} of them in (full |)(cartons|boxes|rows) of {b}?""",
    }.items()
    for text in texts.split("- ")[1:]
)
