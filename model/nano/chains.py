"""Word problems with two or three operations, shares of sums, per cents and averages; written as in stories."""

from __future__ import annotations

from typing import Final

CHAINS: Final[tuple[tuple[str, str], ...]] = tuple(
    (" ".join(text.split()), formula)
    for formula, texts in {
        "{a} * {b} + {c}": """
- A florist ties {a} bouquets of {b} roses each and keeps {c} roses (over|aside). How many roses did the florist start
  with?
- (Find|Work out|Calculate) the total number of pupils: {a} classes of {b} pupils each, plus {c} pupils who
  (joined|arrived) late.
- {n} sends {b} postcards from each of {a} towns and {c} more from the airport. How many postcards (does {n} send|are
  sent) in all?
- How many legs are there if {a} stools have {b} legs each and a table adds {c} more?
- {a} pizzas at {b} dollars (each|apiece) and {c} dollars for delivery. What is the (bill|total)?
- Eggs are packed in {a} cartons of {b}, and {c} eggs (do not fit|are left over). (Find|Work out|Calculate) how many
  eggs there are.
- A phone plan costs {b} euros (a|per) month. Over {a} months {n} also pays {c} euros for (extra calls|roaming). What
  does {n} pay (in all|altogether|in total)?
- {n} swam {b} laps on each of {a} days, then {c} more laps on Sunday. (How many laps|What total) did {n} swim?
- The choir stood in {a} rows of {b} singers with {c} soloists in front. How many (singers|people) were (on stage|there)
  altogether?
- If {n} reads {a} chapters of {b} pages each and then another {c} pages, how many pages does {n} read (in
  total|altogether)?
- In a quiz every right answer earns {b} points. {n} gets {a} right and wins a bonus of {c} points. What is the final
  score?
- (Calculate|Find) the weight of {a} sacks of {b} kg each together with a box of {c} kg.
- {n} (has|owns) {a} albums with {b} photos in each, and {c} photos (lie|are) in a drawer. Photos (in all|altogether|in
  total)?
- A hall is set up with {a} tables for {b} guests each, and {c} more guests (stand|sit) at the bar. How many guests are
  there?
- {n} hires a (boat|canoe) for {a} hours at {b} dollars (an|per) hour and pays a fee of {c} dollars as well. (What is
  the total cost?|How much is that in total?)
- {a} bags, {b} {t} in each, plus {c} loose ones. How many {t} altogether?
- A train has {a} cars with {b} seats each and a dining car with {c} seats. How many seats are there (in
  all|altogether|in total)?
- {n} gives {b} {t} to each of {a} guests and still has {c}. How many {t} did {n} have at first?
- hey can you tell me what i pay for {a} coffees at {b} dollars (each|apiece) and one sandwich for {c} dollars?
- A wall is built from {a} layers of {b} bricks, and {c} bricks are added on top. How many bricks are in the wall?""",
        "{c} + {a} * {b}": """
- A jar already holds {c} beans. {n} drops in {a} handfuls of {b} beans each. How many beans are in the jar now?
- {n} pays a deposit of {c} dollars and then {a} monthly payments of {b} dollars. How much does {n} pay (in
  all|altogether|in total)?
- The library had {c} books. It received {a} boxes, each with {b} new books. How many books does it have (now|in the
  end)?
- Starting with {c} points, {n} (gains|wins) {b} points in each of {a} rounds. What is the score at the end?
- {n} knows {c} words of Spanish and learns {b} new words (a|every) day. How many words will {n} know after {a} days?
- What is the total if a gym charges {c} dollars to join and {b} dollars (a|per) month for {a} months?
- {c} people were in the museum when {a} buses arrived with {b} visitors each. How many people were there then?
- A video had {c} views. It gets {b} views per hour. How many views will it have after {a} hours?
- Besides {c} loose {t}, {n} owns {a} boxes of {b} {t}. (Find|Work out|Calculate) the total.
- One adult ticket costs {c} dollars, and {a} child tickets cost {b} dollars (each|apiece). (Find the total.|What does
  the family pay?)
- {n} drove {c} km on the first day and {b} km on each of the next {a} days. How long was the whole trip?
- Take {c} stamps. Add {a} sheets with {b} stamps on each. How many stamps do you have (now|altogether)?
- The stadium opened with {c} seats. Later {a} new blocks of {b} seats each were added. How many seats does it have
  today?
- A mover charges {c} euros up front and {b} euros for each hour. What is the bill for {a} hours?
- hi, i have {c} {t} and just ordered {a} packs with {b} in each pack, how many will i have (in total|altogether)?
- {n} (has|owns) {c} {t}. Then {n} gets {b} {t} from each of {a} friends. How many( {t}|) does {n} have (now|in the
  end)?
- {c} dollars in the box, plus {b} dollars (a|per|each|every) day for {a} days. How much is in the box then?
- A kitchen needs {c} tiles for the floor and {a} walls with {b} tiles each. How many tiles are needed (in
  all|altogether|in total)?
- If {n} already has {c} coins and earns {b} coins per level, how many coins will {n} have after {a} levels?
- A printer costs {c} dollars and each of {a} cartridges costs {b} dollars. (What is the total cost?|How much is that in
  total?)""",
        "{a} * {b} - {c}": """
- {a} cartons hold {b} eggs each, but {c} eggs are cracked. How many eggs are whole?
- {n} bakes {a} batches of {b} muffins. The family eats {c}. How many muffins (are left|remain)?
- A teacher opens {a} packs of {b} pencils and hands out {c} pencils. How many pencils are still (left|there)?
- How many seats are free in a cinema with {a} rows of {b} seats if {c} seats are taken?
- {n} mows {a} lawns for {b} dollars (each|apiece) and pays {c} dollars for gas. How much (profit|money) does {n} have
  left?
- {a} crates of {b} bottles were delivered. {c} bottles broke on the way. (Find|Work out|Calculate) the number of
  bottles that did not break.
- With a voucher worth {c} dollars, {n} buys {a} shirts at {b} dollars (each|apiece). What does {n} (still have to|have
  to) pay?
- {n} sold {a} pots of honey for {b} euros (each|apiece) but spent {c} euros on (jars|bees). What was the profit?
- In a game {n} earns {b} points on each of {a} levels, then loses {c} points. What is the score now?
- (Find|Work out|Calculate) how many stickers {n} keeps from {a} sheets of {b} stickers after giving {c} away.
- {a} buses with {b} seats each are ordered for a trip, and {c} seats stay empty. How many people travel?
- A farmer plants {a} rows of {b} cabbages. Rabbits eat {c} of them. How many cabbages survive?
- Each of {a} workers packs {b} parcels. {c} of the parcels are sent back. How many (are not|were not) sent back?
- {n} collects {b} shells (a|per|each|every) day. After {a} days, {c} of the shells are given to {m}. How many shells
  does {n} still have?
- There were {a} tables with {b} plates each until {c} plates were (removed|taken away). How many plates (are
  left|remain)?
- {n} (has|owns) {a} boxes with {b} {t} each and gives {c} {t} to {m}. How many {t} (are left|remain)?
- {a} packs of {b} napkins, {c} used. How many napkins (are left|remain)?
- A driver earns {b} dollars (a|per|each|every) day for {a} days but must pay a fine of {c} dollars. How much (is
  left|remains)?
- From {a} trees {n} picks {b} lemons each and sells {c} of the lemons. How many lemons (are left|remain)?
- A box has {a} layers of {b} chocolates. {n} eats {c} of them. How many chocolates are still in the box?""",
        "{d} - {a} * {b}": """
- A roll of wire is {d} meters long. {a} pieces of {b} meters each are cut from it. How much wire is left?
- Out of {d} sheets of paper, {n} uses {b} sheets for each of {a} reports. How many sheets (are left|remain)?
- A baker has {d} eggs and makes {a} cakes with {b} eggs in each. How many eggs are left over?
- What change does {n} get from {d} dollars after buying {a} cups of tea at {b} dollars (each|a cup)?
- {n} owes {m} {d} dollars and pays back {b} dollars (a|per|each|every) month. How much does {n} still owe after {a}
  months?
- The warehouse held {d} boxes before {a} trucks took away {b} boxes each. How many boxes (are left|remain)?
- {d} guests are coming, and {a} tables with {b} seats each are ready. How many guests have no seat yet?
- A phone has {d} minutes of battery. Each of {a} calls uses {b} minutes. (Find|Work out) how many minutes are left.
- A hiker must walk {d} km and covers {b} km (a|per|each|every) day. How many km are still to go after {a} days?
- If {a} children take {b} sweets each from a bag of {d}, how many sweets stay in the bag?
- {n} starts a game with {d} points and loses {b} points for each of {a} mistakes. How many points does {n} have left?
- The school ordered {d} chairs. So far {a} vans have brought {b} chairs each. How many chairs are( still|) missing?
- From a gift card of {d} euros {n} pays for {a} films costing {b} euros (each|apiece). What is left on the card?
- A candle is {d} mm tall and burns down {b} mm every hour. How tall is it after {a} hours?
- {d} {t} were in stock. {a} customers bought {b} each. How many( {t}|) are still in stock?
- With {d} dollars in the pocket, {n} goes to {p} and buys {a} books, {b} dollars each. How much (is left|remains)?
- {d} eggs, {a} cakes with {b} eggs each. How many eggs (are left|remain)?
- How much change should {n} get from {d} dollars for {a} hamburgers that cost {b} dollars (each|apiece)?
- There are {d} seats. {a} groups of {b} people sit down. How many seats are( still|) free?
- A shop has {d} pens and sells {a} packs of {b} pens. How many pens (are left|remain)?""",
        "({a} + {b}) * {c}": """
- Every day a cat eats {a} grams of dry food and {b} grams of wet food. How many grams does it eat in {c} days?
- {n} fills {c} gift bags. Into each bag go {a} sweets and {b} balloons. How many things are in the bags (in
  all|altogether|in total)?
- A set has {a} forks and {b} spoons. How many pieces are there in {c} sets?
- What do {c} people pay in total if each buys a ticket for {a} dollars and a drink for {b} dollars?
- Each lunch box has {a} grapes and {b} nuts. (Find|Work out|Calculate) the total number of grapes and nuts in {c} lunch
  boxes.
- Each of {c} teams has {a} boys and {b} girls. How many children play (in all|altogether|in total)?
- {n} does {a} push-ups and {b} sit-ups every morning. How many exercises is that in {c} mornings?
- In one week a shop sells {a} bikes and {b} scooters. At this rate, how many vehicles does it sell in {c} weeks?
- {a} men and {b} women each donate {c} dollars. How much money is (donated|collected) in all?
- A bunch is made of {a} red and {b} white tulips. How many tulips are needed for {c} bunches?
- (Find|Work out|Calculate) the cost of {c} meals when each has a main dish at {a} euros and a dessert at {b} euros.
- {n} studies {a} minutes before school and {b} minutes after school. How many minutes does {n} study in {c} days?
- On every one of {c} floors there are {a} offices and {b} meeting rooms. How many rooms does the building have?
- A kit contains {a} screws and {b} bolts. {n} orders {c} kits. How many (parts|pieces) arrive (in all|altogether|in
  total)?
- {n} (has|owns) {a} hens and {m} has {b} hens. If every hen lays {c} eggs, how many eggs do they get together?""",
        "({a} - {b}) * {c}": """
- A jacket normally costs {a} dollars, but today each is {b} dollars cheaper. How much do {c} jackets cost today?
- {n} buys phones for {b} dollars (each|apiece) and sells them for {a} dollars (each|apiece). What is the profit on {c}
  phones?
- Of the {a} runners, {b} gave up. Every other runner got {c} medals. How many medals were handed out?
- How much does {n} save in {c} months with an income of {a} euros and costs of {b} euros (a|per|each|every) month?
- A crate holds {a} oranges, of which {b} are rotten. How many good oranges are in {c} such crates?
- A pump brings in {a} liters every minute while {b} liters leak out. How much water is there after {c} minutes?
- There were {a} tickets. {b} were given away, and the rest were sold at {c} dollars (each|apiece). How much money came
  in?
- {n} runs {a} km (a|per|each|every) day and {m} runs {b} km (a|per|each|every) day. How many more km does {n} run in
  {c} days?
- Each box should hold {a} {t}, but {b} are missing from every box. How many( {t}|) are in {c} boxes?
- {a} students signed up, and {b} dropped out. Each remaining student pays {c} dollars. (Find|Work out|Calculate) the
  total paid.
- A snail climbs {a} cm by day and slips back {b} cm by night. How many cm higher is it after {c} days?
- {n} has {a} plants, and {b} of them die. The plants that are left grow {c} flowers each. How many flowers is that?
- A hotel has {a} rooms and {b} are closed. If each open room sleeps {c} guests, how many guests can stay?
- A coupon takes {b} euros off the price of {a} euros per lesson. What does {n} pay for {c} lessons?
- Out of {a} eggs in each tray {b} break. How many whole eggs are there in {c} trays?
- {n} gets {a} eggs a day, eats {b} of them and sells the rest for {c} dollars (each|apiece). How much does {n} earn a
  day?
- A hen house gives {a} eggs every day. {n} keeps {b}, and the others are sold at {c} cents (each|apiece). How many
  cents is that a day?
- {a} tickets, {b} of them free, the others {c} dollars each. How much money is taken in?
- Each week {n} gets {a} dollars and spends {b} dollars. How much does {n} save in {c} weeks?
- {n} baked {a} cakes and {m} ate {b}. Every cake that is left is cut into {c} slices. How many slices are there?""",
        "{a} + {b} - {c}": """
- {n} collected {a} stamps in May and {b} in June, then traded away {c}. How many stamps (are left|remain)?
- A pond had {a} fish. {b} more were put in, and later {c} were caught. How many fish are in the pond now?
- At noon the temperature was {a} degrees. It rose by {b} degrees and then fell by {c} degrees. What is it now?
- How many passengers are on the tram if it starts with {a}, {b} get on and {c} get off?
- {n} and {m} pick {a} kg and {b} kg of cherries. They eat {c} kg. How many kg (are left|remain)?
- An account holds {a} euros. {n} pays in {b} euros and takes out {c} euros. What is the new balance?
- A shelf holds {a} novels and {b} comics. After {c} books are borrowed, how many books are still on it?
- {n} scored {a} points, then {b} more, but lost {c} for a foul. (What is the final score?|Find the final score.)
- Add {a} liters to a barrel with {b} liters, then pour away {c} liters. How many liters does it hold?
- A company had {a} workers, hired {b} and let {c} go. How many work there (now|in the end)?
- {n} earned {a} dollars by washing cars and {b} dollars by babysitting. Then {n} bought shoes for {c} dollars. How much
  (is left|remains)?
- {a} sheep were in the field. Another {b} came in, but {c} ran away. How many sheep stayed?
- In the lift there are {a} people. On the second floor {b} enter and {c} leave. How many people are in the lift?
- A bakery makes {a} white loaves and {b} brown loaves. By evening {c} loaves have been sold. How many loaves (are
  left|remain)?
- {n} (has|owns) {a} {t}, {m} brings {b} more, and {c} get broken. How many( {t}|) are not broken?
- {n} has {a} apples, buys {b} and eats {c}. How many apples (are left|remain)?
- {a} old {t} plus {b} new ones, then {c} got lost. How many {t} (are left|remain)?
- If a club of {a} members wins {b} and loses {c}, how many members does it have?
- {n} found {a} shells and {m} gave {n} {b} shells. On the way home {c} were lost. How many shells does {n} have (now|in
  the end)?
- The bus had {a} riders. At the school {b} climbed in and {c} climbed out. How many riders are on the bus now?""",
        "{a} - {b} + {c}": """
- A car park had {a} cars. {b} drove off and {c} came in. How many cars are there (now|in the end)?
- {n} had {a} euros on a card, paid {b} euros for a jacket and then loaded {c} euros onto the card. What is on it now?
- From a class of {a} pupils {b} moved away, and {c} new pupils joined. How many pupils are in the class now?
- A shop had {a} lamps in stock. It sold {b} and ordered {c} more, which arrived today. How many lamps are in stock now?
- How many birds sit on the roof if there were {a}, {b} flew away and {c} came back?
- A lift starts on floor {a}, goes down {b} floors and then up {c} floors. On which floor does it stop?
- {n} weighed {a} pounds, lost {b} pounds on a diet and then gained {c} pounds. What does {n} weigh now?
- Take {b} cards from a pile of {a}, then put {c} cards back. How many cards are in the pile?
- The water level was {a} cm. It fell by {b} cm in the dry season, then rose by {c} cm. (Find|Work out|Calculate) the
  new level.
- {a} guests were at the hotel. In the morning {b} checked out, and in the evening {c} checked in. How many guests are
  there?
- The price of a ticket was {a} dollars. It dropped by {b} dollars and then went up by {c} dollars. What is the price
  now?
- A jar held {a} sweets. {n} ate {b}, and {m} refilled it with {c}. How many sweets does it hold now?
- After losing {b} of {a} points, {n} wins {c} points. How many points does {n} have?
- {n} had {a} {t}, lent {b} to {m} and received {c} as a present. How many( {t}|) does {n} have (now|in the end)?
- {a} bikes stood at the station. {b} were taken and {c} were brought back. How many bikes are there (now|in the end)?
- {n} has {a} apples, eats {b} and buys {c}. How many apples does {n} have (now|in the end)?
- {a} {t}, {b} sold, {c} new ones added. How many( {t}|) are there (now|in the end)?
- {n} had {a} dollars, spent {b} dollars and earned {c} dollars. How much does {n} have now?
- If {b} of {a} workers leave and {c} are hired, how many workers are there?
- The bus had {a} riders. {b} climbed out at the school and {c} climbed in. How many riders are on the bus now?""",
        "{a} - {b} - {c}": """
- {n} had {a} balloons. {b} burst and {c} flew away. How many balloons (are left|remain)?
- A tank holds {a} liters. {b} liters leak out and {c} liters are used. How many liters (are left|remain)?
- Of {a} eggs in the kitchen, {b} went into a cake and {c} were fried. How many eggs are( still|) there?
- How much is left of {a} euros after paying {b} euros for rent and {c} euros for food?
- A school has {a} students. {b} are in the first grade, {c} in the second, and the rest in the third. How many are in
  the third grade?
- {n} wants to drive {a} km. Before lunch {n} drove {b} km and after lunch {c} km. How many km are still to go?
- (Find|Work out|Calculate) how many tickets are unsold if {b} of {a} tickets were sold online and {c} at the door.
- A farmer had {a} kg of potatoes, sold {b} kg and fed {c} kg to the pigs. How many kg remained?
- There were {a} people at a party. {b} left early and {c} left at midnight. How many stayed?
- {n} started with {a} {t}, dropped {b} on the way and gave {c} to {m}. How many {t} (are left|remain)?
- Take {b} and then {c} sweets out of a bag of {a} sweets. How many are still in the bag?
- A working day has {a} minutes. Meetings take {b} minutes and breaks take {c} minutes. How many minutes (are
  left|remain)?
- {a} songs are on the list. {n} deletes {b}, and {m} deletes {c}. How many songs remain on the list?
- Out of {a} votes, {b} went to {n} and {c} to {m}. The others were blank. How many votes were blank?
- A team of {a} players lost {b} to injury and {c} to other clubs. How many players does the team still have?
- {n} has {a} apples, eats {b} and gives {m} {c}. How many apples (are left|remain)?
- {a} {t}, {b} sold, {c} broken. How many {t} (are left|remain)?
- A hen laid {a} eggs. {n} eats {b} for breakfast and bakes with {c}. How many eggs (are left|remain)?
- If {n} has {a} dollars and spends {b} dollars on lunch and {c} dollars on a film, how much is left?
- There were {a} cars in the lot. {b} cars left in the morning and {c} left at noon. How many cars (are
  left|remain)?""",
        "{d} - {a} - {b}": """
- After {n} used {a} eggs for a cake and {b} eggs for an omelet, how many of the {d} eggs are left?
- {a} seats on the left and {b} seats on the right are taken. The hall has {d} seats. How many are free?
- {n} printed {a} pages and then {b} pages. The printer had {d} sheets, one for each page. How many sheets (are
  left|remain)?
- Shoes cost {a} dollars and socks {b} dollars. How much is left from {d} dollars after buying both?
- {n} has saved {a} euros and {m} has saved {b} euros. How many more euros do they need for a tent that costs {d} euros?
- Two sides of a triangle are {a} cm and {b} cm. Its perimeter is {d} cm. How long is the third side?
- If {a} liters are drunk and {b} liters are spilled, how much is left of {d} liters of juice?
- (Find|Work out|Calculate) the change from {d} dollars when a book costs {a} dollars and a pencil {b} dollars.
- {n} ate {a} nuts and {m} ate {b} nuts from a bowl of {d} nuts. How many nuts are left in the bowl?
- {a} children go home by bus and {b} by car. The rest of the {d} children walk. How many children walk?
- {n} ran {a} km before breakfast and {b} km after work. The goal is {d} km. How many km are missing?
- Having sold {a} tickets on Friday and {b} on Saturday, a club wants to reach {d} tickets. How many more must it sell?
- On a farm {a} animals are cows and {b} are pigs. All the others are sheep. With {d} animals in all, how many are
  sheep?
- {n} cuts {a} meters and {m} cuts {b} meters off a rope of {d} meters. What length is left?
- {a} parcels went out in the morning and {b} in the afternoon. There were {d} parcels. How many are still waiting?""",
        "{a} + {a} * {b}": """
- A puppy weighs {a} kg, and its mother weighs {b} times as much. What do they weigh together?
- There are {a} adults in the hall and {b} times as many children. How many people are in the hall (in all|altogether|in
  total)?
- {n} read {a} pages on Friday and {b} times as many on Saturday. How many pages were read on both days together?
- How many fruits are in the bowl if there are {a} pears and {b} times as many plums?
- The small tank holds {a} liters. The large tank holds {b} times as much. How many liters do both hold (in
  all|altogether|in total)?
- A shop sold {a} scarves, and it sold {b} times as many hats. (Find|Work out|Calculate) the total number of scarves and
  hats sold.
- {n} drank {a} glasses of water. {m} drank {b} times as many as {n}. How many glasses did they drink (in
  all|altogether|in total)?
- In the garden {a} roses bloom, and the tulips are {b} times as many. What is the total number of flowers?
- The bus trip takes {a} minutes and the train ride takes {b} times as long. How long does the whole journey take?
- {n} earned {a} euros in the first week and {b} times as much in the second. How much did {n} earn in both weeks
  together?
- A pen costs {a} cents and a marker {b} times as much. What is the price of one pen and one marker together?
- {n} did {a} squats. {m} did {b} times as many. Total squats?
- {n} planted {a} bulbs in spring and {b} times that number in autumn. (Find|Work out|Calculate) how many bulbs {n}
  planted in all.
- One piece of string is {a} cm long, the other is {b} times as long. How long are the two pieces (in all|altogether|in
  total)?
- If a club has {a} boys and {b} times as many girls, how many members does it have (in all|altogether|in total)?
- On one branch hang {a} apples, on the next one {b} times as many. How many apples hang on both branches (in
  all|altogether|in total)?
- {a} red {t} and {b} times as many blue ones. How many {t} altogether?
- {n} caught {a} fish. {m} caught {b} times as many. What is the total number of fish?
- A cat sleeps {a} minutes and a dog {b} times as long. How many minutes is that (in all|altogether|in total)?
- In {p} there are {a} lamps and {b} times as many candles. How many lamps and candles are there (in all|altogether|in
  total)?""",
        "{a} * {b} + {c} * {d}": """
- {a} vans carry {b} people each and {c} cars carry {d} people each. How many people travel (in all|altogether|in
  total)?
- What is the total cost of {a} pens at {b} cents (each|apiece) and {c} rulers at {d} cents (each|apiece)?
- {n} scores {a} baskets worth {b} points each and {c} baskets worth {d} points each. How many points is that?
- A school has {a} classes of {b} pupils and {c} classes of {d} pupils. How many pupils attend the school?
- {n} ran {b} km (a|per|each|every) day for {a} days and then {d} km (a|per|each|every) day for {c} days. (Find|Work
  out|Calculate) the total distance.
- {a} spiders with {b} legs each and {c} beetles with {d} legs each. How many legs (in all|altogether|in total)?
- Last month {n} worked {a} days for {b} euros (a|per|each|every) day and {c} days for {d} euros (a|per|each|every) day.
  How much did {n} earn (in all|altogether|in total)?
- (Find|Work out|Calculate) the number of bottles in {a} crates of {b} bottles and {c} crates of {d} bottles.
- If {a} bags weigh {b} kg each and {c} sacks weigh {d} kg each, what is the total weight?
- {n} gave {b} sweets to each of {a} girls and {d} sweets to each of {c} boys. How many sweets did {n} give away?
- A theater has {a} rows with {b} seats and {c} rows with {d} seats. How many seats is that (in all|altogether|in
  total)?
- {n} has {a} notes of {b} euros and {c} notes of {d} euros. How much money does {n} have (in all|altogether|in total)?
- A printer made {a} booklets of {b} pages each and {c} booklets of {d} pages each. How many pages were printed?
- One machine runs {a} hours making {b} {t} an hour, another runs {c} hours making {d} an hour. How many( {t}|) are made
  (in all|altogether|in total)?
- {n} ordered {a} large pizzas at {b} dollars (each|apiece) and {c} small ones at {d} dollars (each|apiece). What is the
  bill?""",
        "({a} - {b}) // {c}": """
- {n} has {a} eggs. {b} are broken, and the others go into cartons of {c}. How many cartons are filled?
- A rope of {a} meters loses {b} meters at one end. The rest is cut into {c} equal pieces. How long is each piece?
- Of {a} students {b} stay at school. The rest travel in {c} buses with the same number in each. How many ride in each
  bus?
- How many pages (a|per|each|every) day must {n} read to finish a book of {a} pages in {c} days if {b} pages are already
  read?
- A bike costs {a} dollars. {n} has {b} dollars already and saves {c} dollars (a|per|each|every) week. In how many weeks
  can {n} buy it?
- {n} pays {b} euros of a loan of {a} euros at once and the rest in {c} equal payments. How much is each payment?
- A prize of {a} dollars is won. After {b} dollars of tax, {c} winners share the rest (equally|evenly). What does each
  winner (get|receive)?
- A baker made {a} rolls and sold {b}. The remaining rolls are packed in bags of {c}. How many bags are there?
- From {a} sheets of paper {b} are taken out, and what is left is shared (equally|evenly) by {c} pupils. How many sheets
  does each pupil (get|receive)?
- After eating {b} of {a} cherries, {n} divides the rest (equally|evenly) among {c} bowls. How many cherries are in each
  bowl?
- A hall has {a} chairs. {b} are removed, and the others are set in {c} equal rows. How many chairs are in each row?
- {a} plants were grown and {b} died. The rest were planted in {c} beds, the same number in each. How many plants are in
  each bed?
- {n} had {a} cards, lost {b} and dealt out the rest evenly to {c} players. How many cards did each player get?
- A taxi ride costs {a} dollars. {b} dollars are the basic fee, and each km costs {c} dollars. How many km long was the
  ride?
- A barrel of {a} liters loses {b} liters. What remains is poured equally into {c} cans. How many liters are in each
  can?
- {n} had {a} {t}, sold {b} and packed the rest in boxes of {c}. How many boxes are there?
- {a} sweets, {b} eaten, the rest shared (equally|evenly) by {c} children. How many sweets does each child
  (get|receive)?
- After spending {b} of {a} dollars, {n} buys {t} at {c} dollars (each|apiece) with the rest. How many( {t}|) is that?
- {b} of the {a} players are ill. The others form teams of {c}. How many teams are there?
- {n} gave {m} {b} of {a} stickers and put the rest on {c} pages, the same number on each. How many are on each
  page?""",
        "({a} + {b}) // {c}": """
- {n} bakes {a} plain and {b} sweet rolls and packs them in bags of {c}. How many bags are filled?
- A mother has {a} euros and a father {b} euros. They give all of it in equal parts to {c} children. How much does each
  child (get|receive)?
- How many cars are needed for {a} adults and {b} children if {c} people fit in each car?
- {n} pours {a} liters of juice and {b} liters of water together and fills {c} equal jugs. How many liters are in each
  jug?
- {a} boys and {b} girls sit at {c} tables, with equally many at each table. How many children sit at each table?
- Two ropes of {a} meters and {b} meters are tied together and cut into {c} equal parts. How long is each part?
- Add {a} roses and {b} lilies, then split them (equally|evenly) among {c} vases. How many flowers are in each vase?
- The meal cost {a} dollars and the drinks {b} dollars. {c} friends split the total bill (equally|evenly). How much does
  each friend pay?
- {n} saved {a} dollars and got {b} dollars more from {m}. How many {t} at {c} dollars (each|apiece) can {n} buy with
  all of it?
- A truck brings {a} sacks and a van brings {b}. All of the sacks are divided (equally|evenly) among {c} farms. How many
  does each farm (get|receive)?
- {n} picked {a} kg of apples and {m} picked {b} kg. All the apples were put into {c} crates, equally full. How many kg
  are in each crate?
- A book has {a} pages and another has {b}. {n} wants to read both in {c} days. How many pages is that per day?
- From {a} old and {b} new players {c} equal teams are formed. How many players are on each team?
- There are {a} red and {b} blue beads. Each bracelet needs {c} beads. How many bracelets can {n} make?
- {n} wrote {a} letters and {m} wrote {b}. The letters were shared (equally|evenly) among {c} postmen. How many letters
  did each postman carry?
- {n} (has|owns) {a} {t} and buys {b} more. All of them are put in boxes of {c}. How many boxes does {n} need?
- {a} apples and {b} pears, shared (equally|evenly) by {c} children. How many fruits does each child (get|receive)?
- {n} has {a} dollars and {m} has {b} dollars. Together they buy tickets for {c} dollars (each|apiece). How many tickets
  is that?
- There are {a} girls and {b} boys. They form teams of {c}. How many teams are there?
- {n} and {m} bake {a} and {b} cookies and put them on {c} plates, the same number on each. How many are on each
  plate?""",
        "{a} * {b} // {c}": """
- {a} cartons of {b} eggs are shared (equally|evenly) by {c} cooks. How many eggs does each cook (get|receive)?
- A class orders {a} packs of {b} pencils and divides all of the pencils (equally|evenly) among {c} pupils. How many
  does each pupil (get|receive)?
- {a} tickets at {b} euros (each|apiece) are paid for by {c} friends in equal shares. What does each friend pay?
- How many shelves are needed for {a} boxes of {b} books if {c} books fit on each shelf?
- {n} works {a} hours for {b} dollars (an|per) hour and buys gifts at {c} dollars (each|apiece) with all of the money.
  How many gifts is that?
- {n} (has|owns) {a} bags of {b} sweets and repacks them into bags of {c} sweets. How many bags does {n} get?
- {a} workers carry {b} bricks each. The bricks are piled up in {c} equal piles. How many bricks are in each pile?
- Chairs stand in {a} rows of {b}. They are moved into {c} equal rows. How many chairs are in each new row?
- If {a} pumps give {b} liters each and the water is split evenly among {c} fields, how many liters does each field
  (get|receive)?
- {a} trays hold {b} rolls each. All the rolls are packed in boxes of {c}. How many boxes are needed?
- {n} reads {a} books of {b} pages each in {c} days, the same number of pages (a|per|each|every) day. How many pages is
  that (per|each) day?
- Divide {a} bunches of {b} flowers (equally|evenly) among {c} vases. How many flowers go into each vase?
- Each of {a} children brings {b} dollars. The money is split evenly between {c} charities. How much does each charity
  (get|receive)?
- {a} pizzas were cut into {b} slices each and {c} people shared them (equally|evenly). How many slices did each person
  eat?
- {n} picks {b} {t} on each of {a} days and packs all of them evenly into {c} crates. How many( {t}|) are in each
  crate?""",
        "round({a} * {q} / 100, 4)": """
- A tank holds {a} liters and is {q}% full. How many liters are in it?
- What is {q}(%| percent) of the {a} dollars that {n} (earned|won)?
- {n} gets a commission of {q} percent on sales of {a} euros. How much is the commission?
- Of the {a} km to {p}, {q}% are uphill. How many km is that?
- A bank pays {q}% interest a year on {a} dollars. How much interest does {n} get after one year?
- {q} percent of a cheese of {a} grams is fat. How many grams of fat is that?
- (Find|Work out|Calculate) the tax on {a} dollars if the rate is {q}%.
- The bill comes to {a} dollars. {n} wants to leave a tip of {q}%. How much should {n} leave?
- Rent takes {q}% of a salary of {a} euros. How much is the rent?
- (Find|Work out|Calculate) how much {n} gives to charity if it is {q} percent of {a} dollars.
- {n} has walked {q}% of a path of {a} meters. How many meters is that?
- A jacket costs {a} dollars and the discount is {q}%. How many dollars does {n} save?
- In a town of {a} people, {q} percent go to work by bike. How many people is that?
- A deposit of {q}% must be paid on a car for {a} dollars. How many dollars is the deposit?
- The survey asked {a} people and {q}(%| percent) of them said yes. How many people said yes?""",
        "round({a} * (100 - {q}) / 100, 4)": """
- A sofa for {a} euros is sold at a discount of {q}(%| percent). What is the (sale|new) price?
- {n} has a coupon for {q}% off. The shoes cost {a} dollars. How much does {n} have to pay?
- What do you pay for a phone of {a} dollars if it is {q} percent off?
- In the winter sale everything is {q}% cheaper. What does a coat of {a} dollars cost now?
- (Find|Work out|Calculate) the price of a ticket of {a} dollars after a discount of {q}(%| percent).
- A tank had {a} liters, but {q}% leaked out. How many liters (are left|remain)?
- {n} earns {a} dollars and pays {q}% of it in taxes. How much is left after taxes?
- Members get {q} percent off. How much does a member pay for a course that normally costs {a} euros?
- The value of a car was {a} dollars and dropped by {q}%. What is it worth now?
- Today the shop takes {q}% off a lamp that cost {a} dollars before. (Find|Work out|Calculate) the new price.
- A block of ice of {a} grams lost {q} percent of its weight. How many grams (are left|remain)?
- The town had {a} people. The number fell by {q}% in a few years. How many people live there (now|in the end)?
- {n} spent {q}% of {a} dollars at {p}. How much money is left?
- A laptop is marked down by {q} percent from {a} euros. What is the sale price now?
- A trip of {a} km is {q}% done. How many km (are left|remain)?""",
        "round(({a} + {b}) / 2, 4)": """
- {n} got {a} points on the first test and {b} on the second. What is the average score?
- What is the average height of two trees that are {a} cm and {b} cm tall?
- (Find|Work out|Calculate) the mean of the two prices, {a} dollars and {b} dollars.
- In the morning it was {a} degrees and in the evening {b} degrees. What was the average temperature?
- {n} is {a} cm tall and {m} is {b} cm tall. (Find|Work out|Calculate) their average height.
- A shop had {a} customers on Friday and {b} on Saturday. How many customers is that per day on average?
- Last week {n} worked {a} hours, this week {b} hours. How many hours a week did {n} work on average?
- If one melon weighs {a} grams and another weighs {b} grams, what is their mean weight?
- {n} spends {a} euros in June and {b} euros in July. How much is that per month on average?
- Two runners need {a} seconds and {b} seconds. What is their average time?
- The first film lasts {a} minutes and the second lasts {b} minutes. On average, how long is a film?
- (Find|Work out|Calculate) the average number of pages of two books with {a} and {b} pages.
- Two bags hold {a} and {b} {t}. What is the mean number per bag?
- {n} slept {a} minutes on one day and {b} minutes on the next. What is the mean time per day?
- Two buses carried {a} and {b} passengers. What was the average number of passengers per bus?""",
    }.items()
    for text in texts.split("- ")[1:]
)
