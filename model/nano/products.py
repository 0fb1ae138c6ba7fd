"""Word problems with one product, share or remainder; written as in stories."""

from __future__ import annotations

from typing import Final

PRODUCTS: Final[tuple[tuple[str, str], ...]] = tuple(
    (" ".join(text.split()), formula)
    for formula, texts in {
        "{a} * {b}": """
- (Count|Find|Work out) the (apples|oranges|melons) in {a} crates if there are {b} in (each|every) crate.
- {n} (stacks|piles up) {a} (towers|columns) of {b} (bricks. How many bricks|blocks. How many blocks|coins. How many
  coins) did {n} use?
- A (florist|gardener) ties {a} bunches of {b} (tulips|roses|daisies). How many flowers are (used|tied up)( in all|)?
- Find the (total|whole) number of {t} in {a} (sets|lots|bundles) of {b}.
- (Calculate|Work out) how many {t} (there are|you get) if {a} (packets|pouches|tins) (hold|contain) {b} each.
- {a} (shelves|racks|cupboards), {b} {t} on each( of them|). (How many {t} in all?|Total {t}?)
- {n} bought {a} packs of (gum|cards|batteries) with {b} (pieces (per|in every) pack. How many pieces|items (per|in
  every) pack. How many items) did {n} buy?
- An album has {a} pages, and {b} (stamps fit on (each|every|one) page. How many stamps|stickers fit on (each|every|one)
  page. How many stickers) fit in the album?
- (A school|A college) has {a} classes of {b} (pupils. How many pupils|students. How many students) (attend the
  school|are there in total)?
- A parking (garage|deck) has {a} (floors and (room for {b} cars|{b} spaces) on (each|every) floor|levels and (room for
  {b} cars|{b} spaces) on (each|every) level). How many cars can park there?
- If {a} (buses|coaches) take {b} (pupils each, how many pupils|fans each, how many fans|visitors each, how many
  visitors) (can travel|travel altogether)?
- How many legs do {a} (creatures|insects|monsters) have if each( one|) has {b} legs?
- A chocolate bar has {a} rows with {b} (pieces per row. How many pieces|squares per row. How many squares) does the
  (bar|whole bar) have?
- The (orchestra|choir|band) stands in {a} rows, {b} (musicians in each row. How many musicians|people in each row. How
  many people) are on stage?
- Soldiers march in {a} (lines|columns) of {b}. How many soldiers march( in total| altogether|)?
- {n} (pays|spends) {b} euros on each of {a} {t}. How much (money |)does {n} spend (in total|altogether|in all)?
- (What|How much) (will|would) {a} {t} cost at {b} (euros|cents|dollars) (a piece|apiece|each)?
- At {b} (cents|euros|pounds) per (pencil, what is the (cost|price) of {a} pencils|apple, what is the (cost|price) of
  {a} apples)?
- A kilogram of (apples|flour|fish) costs {b} euros. (How much|What) must {n} pay for {a} kilograms?
- {n} sells {a} {t} at {p} for {b} euros each. How much (money |)(does {n} earn|does {n} take in|is that)?
- The (cinema|theatre|club) sold {a} tickets at {b} euros each. (How much money did it take in?|What were the total
  sales?|How much was earned?)
- (Entry|Admission) to {p} is {b} (euros|pounds) per person. How much (does a group of {a} people pay|is it for {a}
  people)?
- One litre of (petrol|paint|juice) (is|costs) {b} cents. What is the (price|cost) of {a} litres?
- {n} rents a (car|bike|boat) for {a} days at {b} (dollars|euros) (a|per) day. (What is the (rent|bill)?|How much does
  {n} owe?)
- A hotel room is {b} euros (a|per) night. How much does {n} (pay|owe) for {a} nights?
- {n}'s phone (contract|plan) costs {b} euros (a|per|every) month. How much is paid (over|in) {a} months?
- {n} pays {b} (dollars|euros) (of|in) rent (each|every) month. How much rent (does {n} pay|is due) (over|in|for) {a}
  months?
- (Working|Babysitting|Gardening) pays {n} {b} euros an hour. How much does {n} earn for {a} hours?
- A (driver|nurse|cleaner) worked {a} hours and (earned|got|received) {b} dollars for each hour. (How much was
  earned?|What was the pay?)
- {n}'s (wage|pay) is {b} (dollars|euros) per (shift. What does {n} earn in {a} shifts|day. What does {n} earn in {a}
  days)?
- {a} (employees|cooks|guards) each earn {b} euros a week. What is the total (weekly pay|wage bill)?
- For every (car|van|window) {n} (cleans|washes), {n} gets {b} cents. How many cents does {n} get for {a} of them?
- Grandma gives {n} {b} (dollars|euros) for every good grade. {n} has {a} good grades. How much (money |)does {n}
  (receive|get)?
- A (cyclist|lorry|bus) keeps a speed of {b} km per hour. How (far|many kilometres) does it (go|travel) in {a} hours?
- (Find|Calculate|Work out) the distance (covered|travelled) in {a} hours at a (constant|steady) speed of {b} km per
  hour.
- (If|When) {n} (drives|rides) {b} miles per hour, how (far|many miles) will {n} (go|travel) in {a} hours?
- A (train|tram|ship) runs at {b} miles an hour and the trip lasts {a} hours. How long is the (route|trip) in miles?
- Distance in km after {a} hours at {b} km per hour?
- {n} (jogs|runs|swims) at {b} metres (a|per) minute. What distance (does {n} cover|is covered) in {a} minutes?
- Sound (moves|travels) {b} metres per second. How (far|many metres) does it (get|travel) in {a} seconds?
- A (car|van) goes {b} km on (one|each) litre of fuel. How (far|many km) can it go (on|with) {a} litres?
- {n} (walks|takes) {b} steps (each|per|every|a) minute. How many steps does {n} take in {a} minutes?
- {n}'s heart beats {b} times (a|per) minute. How many (times does it beat|beats are there) in {a} minutes?
- A (baker|bakery) (bakes|makes) {b} (loaves (an|every|per) hour. How many loaves|rolls (an|every|per) hour. How many
  rolls|bagels (an|every|per) hour. How many bagels) are baked in {a} (full |)hours?
- (In|Within) one hour a factory (makes {b} bottles. How many bottles does it make|fills {b} bottles. How many bottles
  does it fill) in {a} (full |)hours?
- A hen (lays|gives) {b} eggs a month. How many eggs (does it lay|does it give) in {a} months?
- A cow gives {b} litres of milk (a|per|every) day. How many litres (of milk |)(does it give|are there) in {a} days?
- {n} drinks {b} (glasses of (water|tea) (a|per|each) day. How many glasses|cups of (water|tea) (a|per|each) day. How
  many cups) does {n} drink in {a} days?
- A (horse|family|dog) eats {b} (carrots|apples|biscuits) (daily|each day). How many are (eaten|needed) in {a} days?
- {n} (learns|studies) {b} new words every day. How many (new |)words does {n} learn in {a} days?
- {n} (solves|does) {b} (exercises a day. How many exercises|puzzles a day. How many puzzles|problems a day. How many
  problems) are done (in|after) {a} days?
- {n} practises the (piano|guitar|violin) {b} minutes (a|every|each) day. How many minutes does {n} practise in {a}
  days?
- {n} trains {a} times a week, {b} minutes each time. How many minutes of training (is that|does {n} do) (a|per) week?
- {n} goes to {p} {b} times (a|every|each) week. How (often|many times) does {n} go there in {a} weeks?
- A (shop|kiosk|bookshop) sells {b} (newspapers|books|maps) a day. How many does it sell in {a} days?
- There are {b} days in a (holiday. How many days do {a} such holidays|course. How many days do {a} such courses|camp.
  How many days do {a} such camps) (last|take)?
- A (lift|gondola|ferry) carries {b} people per (trip. How many people can it carry in {a} trips|ride. How many people
  can it carry in {a} rides)?
- The (post office|mail room) sorts {b} letters (per|a|every) minute. How many letters (does it sort|are sorted) in {a}
  minutes?
- A (leaky|broken|bad) tap (loses|drips) {b} drops (a|per|every) minute. How many drops (is that|does it lose) in {a}
  minutes?
- A (pipe|spring|well) (supplies|gives) {b} litres of water per hour. How much water (comes|flows out) in {a} hours?
- A candle (loses|burns down) {b} mm (every|each) hour. How many mm does it burn down in {a} hours?
- Hair grows {b} mm a month. How (much|many mm) does it grow in {a} months?
- A (river|glacier) moves {b} cm (a|per|each) day. How (far|many cm) does it move in {a} days?
- What is the area of a (rectangle|garden|carpet) (with sides of|measuring) {a} (cm and {b} cm|metres and {b}
  metres|feet and {b} feet)?
- A (rectangular |)(lawn|yard|pool|floor) is {a} (metres|feet) long and {b} (metres|feet) wide. (Find|Calculate|Work
  out) its area.
- {n} (tiles|paints|covers) a (floor|wall) (of|that is) {a} by {b} metres. How many square metres is that?
- A room (measures|is) {a} feet by {b} feet. (How many square feet is it?|What is its area in square feet?)
- The length of a (field|park|rectangle) is {a} metres, its width {b} metres. (What is the area?|How big is it in square
  metres?|Find the area.)
- How large is a (plot|playground|field) that is {a} yards long and {b} yards wide, in square yards?
- A (chessboard|grid|calendar) has {a} rows and {b} columns. How many (squares|cells|fields) (does it have|are there)?
- A (table|spreadsheet) with {a} rows and {b} columns has how many cells?
- (A wall is covered|{n} covers a wall) with {a} rows of tiles, {b} tiles in (each|a|every) row. How many tiles is that?
- {n} has {b} {t}. {m} has {a} times as many. How many( {t}|) does {m} have?
- {m} owns {b} {t} and {n} {a} times (as many|that). (Find|Calculate|Work out) the number of {t} {n} owns.
- A lamp costs {a} times as much as a cup. The cup costs {b} euros. How much is the lamp?
- A (crane|tower|tree) is {a} times as tall as a (car|wall|house) of {b} metres. What is its height in metres?
- {n} weighs {b} pounds and a (bear|horse|bull) weighs {a} times (as much|that). (What does it weigh|How heavy is it) in
  pounds?
- {n} ran {b} laps. {m} ran {a} times as many( laps|). How many laps did {m} (run|do)?
- This year's (prize|profit|budget) is {a} times last year's, (which was|and last year's was) {b} euros. How much is it
  this year?
- (My|{n}'s) dog is {b} years old and a (turtle is {a} times (as old|that age). How old is the turtle|parrot is {a}
  times (as old|that age). How old is the parrot)?
- The number of {t} in {p} was {b} and is now {a} times as large. How many are there now?
- A (dice game|quiz|game) gives {b} points for (each|every) (win. {n} has {a} wins|right answer. {n} has {a} right
  answers). How many points does {n} (get|score)?
- {n} hit the target {a} times and got {b} points (each time|for every hit). (What is the score?|How many points did {n}
  get?)
- {n} (scored|made) {a} (baskets|goals) worth {b} points each. How many points is (that|it)( altogether| in total|)?
- (A test|An exam) has {a} questions worth {b} (points each. How many points|marks each. How many marks) can {n} get at
  most?
- {a} times in a row {n} (wins {b} (coins|chips|tokens). How many does {n} win|picks up {b} (coins|chips|tokens). How
  many does {n} pick up) altogether?
- {n} lifts {b} pounds {a} times. How many pounds is that in total?
- {n} (swam|ran|rode) {a} laps of {b} metres( each|). How (far was that|many metres did {n} go)?
- {n} climbed {a} flights of stairs with {b} steps (each|per flight). How many steps did {n} climb?
- {n} bought {a} (bags|sacks) of (sand|rice|sugar), each (weighing|of) {b} pounds. What is the (total|combined) weight?
- A truck is loaded with {a} (crates|pallets|machines) that weigh {b} tons (each|apiece). How (heavy|many tons) is the
  load?
- {a} (bottles|jugs|cans) hold {b} ml (each|apiece). How many ml (do they hold|is that) (together|altogether|in total)?
- A nurse fills {a} (syringes|tubes|vials) with {b} ml each. How many ml (are|were) used in all?
- {n} needs {b} grams of (flour|butter|sugar) for one (cake. How many grams (are needed|does {n} need) for {a}
  cakes|pie. How many grams (are needed|does {n} need) for {a} pies)?
- One (shirt|dress|coat) needs {b} buttons. How many buttons (do {a} of them need|does {n} need for {a} of them)?
- (To make|For) one (necklace|bracelet) {n} uses {b} beads. How many beads (does {n} use|are used) for {a} of them?
- Each (car|cart|toy truck) (gets|has|needs) {b} (wheels. How many wheels|tires. How many tires) do {a} of them have (in
  all|altogether)?
- A (building|tower|hotel) has {a} floors with {b} windows on (each|every) floor. How many windows (are there|does it
  have)?
- There are {a} (streets|roads) with {b} houses each in a (village|town). How many houses (are there|does it have)?
- A train has {a} (cars|coaches|wagons), and each one has {b} seats. How many seats does the (whole |)train have?
- A (library|bookcase) has {a} shelves. (On every shelf there are|Each shelf has) {b} books. How many books are there in
  total?
- (An aquarium shop|A zoo) keeps {b} fish in each of its {a} tanks. How many fish (does it have|are there|live there)?
- {a} (trees|bushes) (bear|carry|have) {b} (apples|pears|lemons) each. How many (fruits|pieces of fruit) (hang on
  them|are there)?
- Each of the {a} (pupils|guests|players) was given {b} {t}. How many {t} were (given out|handed out|needed)?
- Every one of {a} (nests|hives|ponds) (has|contains) {b} (birds. How many birds|insects. How many insects|animals. How
  many animals) are there in all?
- A teacher (hands out|gives) {b} (sheets|crayons|books) to (each|every one) of {a} (pupils|students). How many (does
  the teacher need|is that)?
- {a} (guests|children) are coming and {n} wants {b} {t} for (each|every) one. How many {t} (does {n} need|must {n}
  buy)?
- {n} wrote {b} (postcards|letters) to each of {a} (friends|cousins). How many did {n} write (in total|altogether|in
  all)?
- A song lasts {b} seconds and {n} (hears|plays) it {a} times. How many seconds is that( altogether|)?
- {n} watched {a} (episodes|films|videos) of {b} minutes each. How many minutes did {n} watch (in total|altogether)?
- A (lesson takes {b} minutes. How (long|many minutes) do {a} lessons|match takes {b} minutes. How (long|many minutes)
  do {a} matches) (take|last)?
- How many (hours|minutes|seconds) are there in {a} (days|weeks|periods) if one has {b}?
- {n} deposits {b} euros in the bank every month. How much (has {n} deposited|money is in the bank) after {a} months?
- Every time {n} visits, {m} gives {n} {b} cents. After {a} visits, how many cents (does {n} have|is that)?
- The price of one (pass for {p} is {b} euros. How much do {a} passes|card for {p} is {b} euros. How much do {a} cards)
  cost?
- hi, i need {a} {t} and one is {b} euros, what do i pay (in total|altogether|for all)?
- (quick question: |hey, ){a} people each (drink|have) {b} (bottles|cans|cups) at a party, how many is that?
- {a} {t} at {b} (dollars|euros|cents) each. (Total cost?|Total price?|How much?)
- {n} types {b} (lines every minute for {a} minutes. What is the total number of lines|letters every minute for {a}
  minutes. What is the total number of letters)?
- How much (money |)does {p} take in if {a} (visitors|guests) pay {b} euros each?
- How many {t} will {n} need to fill {a} (trays|drawers|baskets) with {b} (each|in each)?
- Suppose {a} (trucks|vans|carts) each carry {b} {t}. (Find the total number of {t}.|How many {t} do they carry(
  together|)?)
- (Multiply to find|Find) how many (seats {a} rows of {b} seats|chairs {a} rows of {b} chairs) (make|give).
- {n} (plants|sows) {a} rows of (corn|beans|lettuce), {b} (plants (a|per|to each) row. How many plants|seeds (a|per|to
  each) row. How many seeds) are needed?
- A (painter|workman) uses {b} litres of paint for every (room. How many litres are used for {a} rooms|wall. How
  many litres are used for {a} walls)?""",
        "{a} // {b}": """
- {n} hands out {a} {t} to {b} (pupils|kids|cousins) so that (all|they all) get the same number. How many does each(
  one|) (get|receive)?
- {b} (brothers|sisters|pirates|winners) share {a} (coins|dollars|sweets) equally. (How many|What number) does each
  (get|receive)?
- (If|When) {a} {t} are shared equally by {b} people, how many does each (person |)(get|receive|have)?
- (Find|Work out|Calculate) each (child|person)'s share if {a} {t} are divided equally among {b} of them.
- {a} {t}, {b} (kids|people|players), equal shares. How many (each|for each)?
- (Share|Divide|Split) {a} {t} equally among {b} (friends|pupils|teams). How many does each get?
- A (prize|jackpot|gift) of {a} euros is (shared|split) equally (by|between) {b} (winners|players). How much does each
  (win|get|receive)?
- {b} (workers|helpers) (earned|were paid) {a} dollars together and share it equally. (How much is each share?|How much
  does each get?)
- (Grandpa|{m}) leaves {a} euros to {b} (grandchildren|heirs) in equal parts. How much does each (inherit|get|receive)?
- The {b} (players|members) of a (team|club) (pay|raise) {a} euros, all the same amount. How much does each (pay|give)?
- {n} packs {a} {t} into {b} (suitcases|boxes|trunks), the same number in each. How many (go into|are in) each?
- {n} (put|placed) {a} (books|files|games) on shelves, {b} on (each|every) shelf. How many shelves did {n}
  (use|need|fill)?
- {n} (glues|sticks) {a} (photos|stamps|stickers) into an album, {b} (on each|to a|per) page. How many pages (are
  used|does {n} fill)?
- A (gardener|farmer) plants {a} (bulbs|trees|seeds) in rows of {b}. How many rows (are there|will there be|does that
  make)?
- {a} (chairs|desks|seats) are to stand in rows with {b} in each( row|). How many rows (are there|will there be)?
- How many rows of {b} (chairs|stamps|buttons) can (be made|{n} make) (with|from) {a} of them?
- How many (groups|sets|bundles) of {b} can (be made|{n} make) from {a} {t}?
- How many times can {n} take {b} {t} (out of|from) a (box|bag|pile) of {a}?
- How many (bags|packets|sacks) does {n} need to pack {a} {t} with {b} in (each|every bag|every one)?
- (Sweets|Pens|Batteries) come in packs of {b}. How many packs (must|should) {n} buy to (get|have) {a}?
- {t} are sold in (packs of {b}. {n} needs {a}. How many packs|sets of {b}. {n} needs {a}. How many sets|boxes of {b}.
  {n} needs {a}. How many boxes) should {n} buy?
- A (florist|shop) has {a} (roses|tulips) and (makes|ties) (bunches of {b}. How many bunches|bouquets of {b}. How many
  bouquets) (are there|can be made)?
- A (baker|cook) puts {b} (muffins|rolls|pies) on a tray. How many trays are needed for {a}?
- A (factory|company) made {a} (bottles|cans) and packed {b} in (every|each) crate. How many crates were
  (filled|used|packed)?
- {a} (guests|people) sit at (tables with {b} (at each|seats each). How many tables|benches with {b} (at each|seats
  each). How many benches) are (needed|filled)?
- A hall has {a} seats in {b} equal (rows. How many seats are there (in each|in one|per) row|blocks. How many seats are
  there (in each|in one|per) block)?
- A (school|camp) of {a} (pupils|children) has {b} classes of the same size. How many are in each class?
- A coach divides {a} players into {b} (squads|teams) of equal size. How many players (are on each|does each one have)?
- How many teams (can be formed|are there) if {a} (players|pupils) make teams of {b}?
- {a} (scouts|hikers|campers) sleep in tents, {b} (in each|to a|per) tent. How many tents (are needed|do they need|are
  there)?
- A (van|minibus|boat) (takes|carries|seats) {b} people. How many (trips|runs) are needed for {a} people?
- How many (buses|coaches) are needed to (take|carry) {a} (pupils|fans|tourists) if each (holds|carries) {b}?
- An elevator carries {b} people at a time. How many (trips|rides) are needed to carry {a} people?
- A truck can carry {b} tons. How many (loads|trips) does it (need|take) to move {a} tons of (sand|gravel|soil)?
- {n} carries {b} (bricks|boxes|logs) (at a time|per trip|each time). How many trips (are needed|does {n} make) for {a}
  of them?
- {n} (drinks|uses) {b} (cups a day. How many days (will|do) {a} cups|bottles a day. How many days (will|do) {a}
  bottles) last?
- A (cat|dog|rabbit) eats {b} grams of food (a|per|every) day. How many days does a bag of {a} grams last?
- How (long|many days) will {a} (pills|tea bags|nappies) last if {n} uses {b} (a|per|each) day?
- A (family|school|hotel) uses {b} eggs (daily|a day|every day). (For how|How) many days (are {a} eggs enough|will {a}
  eggs last)?
- {n} has to (learn|write|read) {a} (words|lines|pages) and does {b} (a|each|every) day. How many days (will|does) it
  take?
- {n} (solves|does) {b} (exercises|puzzles|problems) a day. After how many days are all {a} done?
- {n} wants to (make|sew|paint) {a} {t} and finishes {b} (each|every|a|per) week. How many weeks (does it take|does {n}
  need)?
- In how many weeks will {n} (save|have) {a} euros (by saving|if {n} saves) {b} euros (a|each|every) week?
- {n} pays back a (loan|debt) of {a} dollars with {b} dollars a month. (How many months does it take?|After how many
  months is it paid?)
- A (bike|phone|sofa) (for|that costs) {a} euros is paid in {b} equal (parts. How much is each part|instalments. How
  much is each instalment)?
- {n} got {a} euros for {b} hours of work. (What is the hourly wage|How much did {n} earn per hour|What did {n} get an
  hour)?
- {n} worked {b} days and was paid {a} dollars (in all|in total|altogether). How much did {n} (get|earn) (per|a|each)
  day?
- {n} earns {b} euros an hour. How many hours (must|does) {n} work to (earn|get|make) {a} euros?
- How (long|many hours) must {n} work for {a} dollars at {b} dollars (an|per) hour?
- (What does one cost|What is the price of one) if {b} {t} cost {a} (euros|cents|dollars)( altogether| in total|)?
- {b} (tickets|shirts|books|lamps) cost {a} euros (altogether|in total|together). How much (does one cost|is one|is
  each)?
- {b} {t} for {a} cents. (How much is one?|How much for one?|Price of one?)
- A pack of {b} (pens|batteries|sponges) costs {a} cents. (What is the price per piece?|How much does one cost?)
- {b} litres of (oil|paint|fuel) cost {a} euros. (Find|Calculate|Work out) the (price|cost) of one litre.
- (Apples|Potatoes|Nuts) cost {b} cents per pound. How many pounds (can {n} buy|does {n} get) (for|with) {a} cents?
- How many {t} can {n} (buy|afford) (with|for) {a} euros if (one|each) costs {b} euros?
- With {a} cents, how many (stamps|lollipops|rolls) at {b} cents each can be bought?
- {n} spent {a} euros on {t} that (cost|were) {b} euros each. How many did {n} buy?
- Tickets cost {b} euros each. The (cinema|theatre|club) took in {a} euros. How many tickets were sold?
- {n} sold {t} for {b} dollars each and (got|earned|made) {a} dollars. How many( {t}|) did {n} sell?
- {n} sold {b} {t} and (got|earned|made) {a} euros. All had the same price. How much was one?
- At what speed does {n} (travel|drive) if {a} km take {b} hours?
- A (cyclist|plane|lorry) goes {a} km in {b} hours. (What is its speed|How fast does it go) in km per hour?
- (Find|Calculate|Work out) the (average |)speed in miles per hour if {a} miles take {b} hours.
- {n} (drove|travelled) {a} miles in {b} hours. (How fast was that|What was the average speed) in miles per hour?
- {n} ran {a} metres in {b} minutes. How many metres (did {n} run per|is that a|is that per) minute?
- How (long|many hours) does it take to (drive|travel|go) {a} km at {b} km per hour?
- (Find|Calculate|Work out) the time (needed|it takes) to (travel|cover) {a} miles at {b} miles per hour.
- A (town|lake|city) is {a} miles away. {n} drives {b} miles an hour. (In|After) how many hours does {n} arrive?
- A (snail|beetle|crab) crawls {b} cm (a|per|each) minute. How many minutes does it need for {a} cm?
- A car uses {b} litres of fuel (a|per|each) day. How many days (does|will) a tank of {a} litres last?
- A car goes {a} km on {b} litres( of fuel|). How many km (does it go|is that) (on one|per|for each) litre?
- A tap fills {b} litres a minute. (How long does it take|How many minutes are needed) to fill a tub of {a} litres?
- A (pool|tank) holds {a} litres, and a pump (empties|removes) {b} litres (a|per|every) minute. After how many minutes
  is it empty?
- A (barrel|cistern) with {a} litres loses {b} litres (an|per|every) hour. (In|After) how many hours (is it|will it be)
  empty?
- How many (jugs|bottles|cups) of {b} ml can be filled (from|with) {a} ml of (juice|milk|water)?
- A bucket holds {b} litres. How many buckets (fill|are needed to fill) a tank of {a} litres?
- {b} equal (bottles|glasses|jars) hold {a} ml (together|in total|altogether). How (much|many ml) does one hold?
- {b} (bricks|stones|balls) of the same weight weigh {a} grams (together|in total). What does one weigh?
- A sack of {a} pounds is (divided|filled) into bags of {b} pounds. How many bags (are there|does that make|are filled)?
- A (cord|chain|hose|pipe) {a} cm long is cut into pieces (of {b} cm|{b} cm long). How many pieces are there?
- How many pieces of {b} cm can {n} cut from a (ribbon|wire|stick) of {a} cm?
- {n} cuts {a} metres of (cloth|wire|rope) into {b} pieces of the same length. How long is (each|one) piece?
- Along a road of {a} metres (there is a lamp|a tree stands) every {b} metres. Into how many (parts|sections) is it
  divided?
- A (stairway|staircase) {a} cm high has {b} equal steps. How high is (each|one) step?
- A rectangle has an area of {a} square (cm|metres|feet) and one side of {b}. How long is the other side?
- The area of a (garden|room|field) is {a} square metres. It is {b} metres wide. How long is it?
- {n} has {a} {t} and {m} has {b}. How many times as many does {n} have( as {m}|)?
- How many times as (long as {b} cm is a string of {a} cm|heavy as {b} grams is a load of {a} grams)?
- A tree is {a} metres tall, a (house|wall) {b} metres. How many times as tall is the tree?
- A coat costs {a} euros and a cap {b} euros. How many times as (much|expensive) is the coat?
- {n} is {a} years old, which is {b} times the age of {m}. How old is {m}?
- {n}'s {a} {t} are {b} times as many as {m}'s. How many( {t}|) does {m} have?
- A (lion|bus|ship) weighs {a} pounds, {b} times as much as a (wolf. What does the wolf|boat. What does the boat|car.
  What does the car) weigh?
- {b} times {m}'s (score|savings|points) is {a}. (What|How much) does {m} have?
- A machine makes {a} (screws|cups|toys) in {b} (minutes. How many (does it make|are made) in one minute|hours. How many
  (does it make|are made) in one hour)?
- A (printer|copier) prints {b} (sheets|pages) a minute. How many minutes does it need for {a}?
- A (typist|secretary|student) types {a} words in {b} minutes. How many words is that (per|a|each) minute?
- {n} read a book of {a} pages in {b} days, the same number every day. How many pages (per|a|each) day did {n} read?
- {n} must drink {a} ml of (syrup|medicine) in {b} equal doses. How many ml is (one|each) dose?
- A (recipe|cook) uses {b} eggs for a cake. How many cakes can (be baked|{n} bake) with {a} eggs?
- Each (necklace has {b} beads. How many necklaces|bracelet has {b} beads. How many bracelets) can {n} make (from|with)
  {a} beads?
- A (shirt needs {b} buttons. For how many shirts|coat needs {b} buttons. For how many coats) are {a} buttons enough?
- A (toy car has {b} wheels. {n} has {a} wheels. How many toy cars|robot has {b} wheels. {n} has {a} wheels. How many
  robots) can {n} (make|build)?
- (In|At) {p} {n} counted {a} legs. Each (creature has {b} legs. How many creatures|animal has {b} legs. How many
  animals) are there?
- A (game|quiz) gives {b} points for each (win. {n} has {a} points. How many wins|right answer. {n} has {a} points. How
  many right answers) is that?
- {n} scored {a} points in {b} games, the same number in each. How many points (were scored|did {n} score) per game?
- A (film|play|concert) of {a} minutes has {b} parts of equal length. How long is (each|one) part?
- A lesson takes {b} minutes. How many lessons (fit into|are there in) {a} minutes?
- How many weeks are {a} (days|shifts) if (each|a) week has {b}?
- A swimmer did {a} metres in laps of {b} metres. How many laps (was that|did the swimmer do)?
- {n} deals {a} cards (equally |)to {b} players. How many cards does each (player |)(get|hold)?
- hey, we are {b} people and the bill is {a} euros, what does each (of us |)pay?
- i have {a} {t} and want to (split|share) them evenly between {b} kids. how many (for each|does each get)?
- {a} (euros|dollars|cents) for {b} {t}. (How much each?|How much apiece?|How much per piece?)""",
        "{a} % {b}": """
- {n} packs {a} (pens|eggs|pears|cups) into boxes of {b} and keeps the remainder. How many does {n} keep?
- After sharing {a} (sweets|coins|cards) equally among {b} children, how many are left over?
- {n} deals {a} cards equally to {b} players and puts the leftover cards aside. How many cards are (left over|put
  aside)?
- {b} (pirates|friends|cousins) divide {a} (coins|gems|nuts) equally. How many are left over( for the cook| at the
  end|)?
- (Find|Work out|Calculate) how many {t} are left over when {a} are shared equally by {b} (people|friends|pupils).
- {a} {t}, bags of {b}. (How many are left over?|Leftover?|What is the remainder?)
- What is the remainder (if|when) {a} {t} are (packed|sorted|put) into (boxes|bags|groups) of {b}?
- {a} guests sit down at tables of {b}, and only full tables are allowed. How many guests are left over?
- A (florist|gardener) ties {a} (roses|tulips|daisies) in bunches of {b}. How many flowers are left over?
- A coach makes (teams|squads) of {b} from {a} (players. How many players|pupils. How many pupils) are left without a
  team?
- Only full (crates|cartons|trays) of {b} are (sold|delivered). How many of {a} (eggs|bottles|rolls) are left over?
- A baker has {a} (rolls|muffins|buns) and fills bags of {b}. How many do not fit in a full bag?
- {n} (glues|sticks) {b} (photos|stamps|stickers) on each page until all pages are full. There are {a}. How many are
  left over?
- A board of {a} cm is sawn into pieces of {b} cm. How long is the (leftover|remaining) piece?
- {n} cuts as many {b} cm pieces as possible from {a} cm of (wire|tape|string). How many cm (are left over|remain)?
- From {a} ml of juice, as many glasses of {b} ml as possible are filled. How many ml (are left over|remain in the jug)?
- {n} buys as many (stamps|apples|tickets) at {b} cents as possible with {a} cents. How many cents are left over?
- With {a} euros {n} gets as many (books|caps|balls) at {b} euros each as possible. How much change is left over?
- A (machine|robot) puts {a} {t} in full boxes of {b}. How many {t} are left (for the last box|outside|over)?
- How many (chairs|desks|plants) are left over if {a} (are set|are placed) in equal rows of {b}?
- If {a} (pupils|soldiers|dancers) line up in full rows of {b}, how many are left over (at the end|after the last full
  row)?
- {n} makes necklaces with {b} beads each out of {a} beads. How many beads are (left over|not used)?
- {n} (builds|makes) as many (towers|stacks) of {b} blocks as possible from {a} blocks. How many blocks are left over?
- A ferry leaves when {b} people are on board. {a} people come. How many (are left|must wait) after the last full trip?
- A teacher gives {a} (crayons|sheets|books) equally to {b} pupils and keeps the leftover ones. How many does the
  teacher keep?
- {n} splits {a} {t} (evenly|equally) into {b} piles and gives the leftover {t} to {m}. How many does {m} get?
- {a} (books|games|jars) are put on shelves, {b} on each full shelf. How many are left over (for the next shelf|after
  the last full shelf)?
- hi, i put {a} {t} in (packs|bags|boxes) of {b}. how many are left over( at the end|)?
- {a} cents are shared equally among {b} (kids|people|winners), each gets as much as possible. How many cents are left
  over?
- There are {a} {t} in {p}. {n} makes (sets|groups|bundles) of {b}. How many {t} are (left over|in no set)?""",
        "2 * {a}": """
- {n} has {a} {t}, and {m} has (twice the number|twice as many|double the number). How many( {t}|) are {m}'s?
- What is (double|twice) {a} (euros|litres|minutes|points)?
- {n} earns {a} dollars a week, but {m} earns twice (that|as much). How much does {m} earn (a|per) week?
- {n} sold {a} tickets (yesterday|last night). Today the number doubled. How many were sold today?
- A (road|river|bridge) is {a} miles long, another is twice as long. How long is the (second|longer|other) one?
- {n} doubles the {a} euros in the bank. How much (money |)is there now?
- A pair is two. How many (shoes|socks|gloves) are in {a} pairs?
- How many (shoes|socks|gloves|boots) does {n} have if there are {a} pairs( of them|)?
- {n} read {a} pages and {m} read (double the|twice as many) pages. (Find|Work out) how many pages {m} read.
- It is {a} km to {p}. How (far|many km) is it there and back?
- {n} walks {a} metres to school and the same way back. How many metres does {n} walk?
- Each of the {a} (bicycles|scooters) has two wheels. How many wheels are there( in all| in total|)?
- {n} and {m} each have {a} {t}. How many( {t}|) do they have together?
- A (bag|dog|box) weighs {a} pounds. How much do two of (them|these) weigh( together|)?
- A (recipe|soup) for one pot needs {a} (eggs|carrots|onions). How many are needed for (two pots|double the amount)?""",
        "{a} // 2": """
- {n} has {a} {t} and gives half (of them |)to {m}. How many( {t}|) does {m} get?
- What is half of {a} (euros|litres|minutes|points)?
- {n} and {m} share {a} {t} equally. How many( {t}|) does each( of them|) get?
- Half of the {a} (pupils|guests|passengers) (are|were) (children|girls|boys). How many is that?
- A (rope|ribbon|stick) of {a} cm is cut in half. How long is each (half|piece)?
- {n} has {a} {t}. {m} has half as many( as {n}|). How many( {t}|) does {m} have?
- A (coat|lamp|bike) costs {a} euros. In a sale it is half price. How much (is it|does it cost) (now|in the sale)?
- {n} (ate|sold|lost) half of {a} (nuts|cookies|cherries). How many (were left|did {n} keep)?
- A (trip|film|walk) takes {a} minutes. {n} is halfway through. How many minutes (have passed|are left)?
- A tank (for|of) {a} litres is half full. How many litres are in it?
- How many pairs can (be made|{n} make) from {a} (socks|shoes|gloves)?
- {a} (dancers|pupils|players) (work|stand) in pairs. How many pairs are there?
- {n} is {a} years old. {m} is half (that age|as old). How old is {m}?
- A book has {a} pages and {n} has read half of it. How many pages (has {n} read|are left)?
- Two tickets for {p} cost {a} euros together. How much does one (cost|ticket cost)?""",
    }.items()
    for text in texts.split("- ")[1:]
)
