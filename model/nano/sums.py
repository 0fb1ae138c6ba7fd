"""Word problems with sums and differences, every fifth one held out; written as in stories."""

from __future__ import annotations

from typing import Final

SUMS: Final[tuple[tuple[str, str], ...]] = tuple(
    (" ".join(text.split()), formula)
    for formula, texts in {
        "{a} + {b}": """
- {n} has {a} {t}, {m} {b}. (Together?|How many together?|Total?)
- How many (pupils|students) are (in|at) a school with {a} girls and {b} boys?
- (Find|Calculate|Work out) the total number of eggs if the (brown|first) hen laid {a} and the (white|second) hen {b}.
- A (baker|cook) sold {a} loaves before noon and {b} after noon. (What were the total sales|How many loaves were sold
  in all|How many loaves is that altogether)?
- The price of a (phone|bike|tent) was {a} dollars. It (went up|rose|increased) by {b} dollars. What is the (new
  price|price now)?
- A (library|museum) had {a} visitors on Saturday and {b} on Sunday. How many people (visited|came) that weekend?
- {n} is {a} cm tall. {m} is {b} cm taller. How tall is {m}?
- This morning the lake was {a} cm deep. (After|Because of) the rain it (rose|has risen) by {b} cm. How deep is it now?
- {n} read {a} pages on (Friday|Tuesday) and {b} pages on (Saturday|Wednesday). How many pages did {n} read in
  (both|the two) days?
- {n} did {a} push-ups in the morning and {b} in the evening. How many push-ups did {n} do (in all|that
  day|altogether)?
- (Last year|In the past) a (club|choir|gym) had {a} members, and since then {b} (new members|new people|others) have
  joined. How many members are there now?
- {n} (spent|paid) {a} dollars on (shoes|food) and {b} dollars on (a coat|a gift). How much (did {n} spend|was spent)
  (altogether|in total|in all)?
- What will {n} (pay|have to pay) for a sandwich at {a} cents and a drink at {b} cents?
- {n} watched a film for {a} minutes and then played for {b} minutes. How many minutes (is that|was that) in all?
- A (truck|van) is loaded with {a} kg of (apples|sand) and {b} kg of (pears|stone). What is the (total weight|weight of
  the load)?
- {n} put {a} (coins|cents|dollars) in a piggy bank. Later {m} (put in|added) another {b}. How much is in the piggy
  bank (now|in total)?
- If {a} (birds|ducks|pigeons) are on a (roof|pond) and {b} more (land there|join them|arrive), how many will there be?
- (Yesterday|Last night) {n} wrote {a} emails. Today {n} wrote {b}. Count the emails of both days (together|in total).
- {n} had {a} {t}, and then {m} gave {n} {b} more. How many {t} did {n} have (in the end|then|in all)?
- The (red|north) team scored {a} points and the (blue|south) team {b}. How many points were scored (altogether|in the
  game|in total)?
- From (home|the hotel) to (the bank|the church) it is {a} meters, and from there to (the beach|school) another {b}
  meters. How (long is the whole way|many meters is the whole way)?
- (Altogether|In total), how many stamps do {n} and {m} have if {n} has {a} and {m} has {b}?
- (Some|Several) guests came to a wedding: {a} adults and {b} children. How many guests (came|were there) (in
  all|altogether)?
- A parking lot had {a} cars. Then {b} more cars (drove in|came|arrived). How many cars are (there|in the lot) now?
- (Find|Give|State) the sum of the two prices: {a} euros for a (desk|bed) and {b} euros for a (chair|shelf).
- {n} was {a} years old when {n} moved (to town|to another city). That was {b} years ago. How old is {n} now?
- A (pencil|pen) costs {a} cents. A (notebook|ruler) costs {b} cents more than that. (What does|How much does) the
  second one cost?
- The (first|old) bridge is {a} meters long. The (second|new) bridge is {b} meters longer( than that|). How long is the
  (second|new) bridge?
- {n} gave {a} {t} to {m} and kept {b}. How many {t} did {n} have (at the start|originally|before that)?
- After {a} (cookies|slices|cupcakes) were eaten, {b} (were left|remained). How many were there (to start with|in the
  beginning|at first)?
- {n} spent {a} dollars and has {b} dollars left. How much (money |)did {n} (have at first|start with)?
- {a} passengers got off the (train|ferry) and {b} stayed on (board|it). How many passengers were there before?
- There are {a} (roses|daisies) and {b} tulips in a garden. How many flowers are (in the garden|there in all|there
  altogether)?
- On the (farm|ranch) of {n} live {a} (sheep|cows) and {b} (goats|pigs). How many animals (live there|does {n} have)?
- {n} sold {a} tickets; {m} sold {b}. (Combined, how many tickets did they sell|How many tickets were sold in all)?
- (Please add up|Add up) the bill: {a} dollars for the (room|car) and {b} dollars for the (meals|fuel).
- The (video|song|channel) had {a} likes yesterday and got {b} more today. How many likes (does it have|are there) now?
- A tank contains {a} liters of water. Another {b} liters are (poured in|added|pumped in). How many liters (does it
  contain|are in it) now?
- {n}'s (salary|rent|wage) of {a} dollars was (raised|increased) by {b} dollars. (What|How much) is it now?
- A (movie|show|concert) started {a} minutes late and (an ad|a speech) took another {b} minutes. How many minutes did
  people wait (in all|in total)?
- {n} took {a} steps to the (bus stop|market) and {b} steps back. (What is the total|How many steps is that in all)?
- How many players does a sports club have when {a} play (football|tennis) and the other {b} play (chess|hockey)?
- {n} collected {a} shells. {m} collected {b} more shells than {n}. How many shells did {m} collect?
- A village had {a} people. (This year|In May) {b} babies were born (there|in it). How many people (live there|are
  there) now?
- {n} downloaded {a} songs last week and {b} songs this week. How many songs (is that altogether|were downloaded in
  total)?
- A (wall|fence) is {a} meters long. It is extended by {b} meters. (Find|Calculate) its new length.
- My (brother|sister|cousin) has {a} {t} and I have {b}. How many do we have (together|in all|altogether)?
- I had {a} {t} and (bought|found|got) {b} more. How many do I have now?
- (Help me|Please help me): I paid {a} dollars for (gas|a taxi) and {b} dollars for (parking|dinner). What did I spend
  in total?
- {n}'s phone stores {a} photos. {n} takes {b} (new |more )photos on a trip. How many photos (are on it|does it store)
  (now|then)?
- {n} earned {a} dollars by (mowing lawns|washing cars) and {b} dollars by (walking dogs|selling lemonade). What were
  the total earnings?
- A (hotel|school) ordered {a} towels, then ordered {b} extra ones. How many towels (were ordered|did it order) in all?
- In a (vote|poll), {a} people said yes and {b} said no. How many (people voted|votes were there) (in all|altogether|in
  total)?
- {a} {t} and another {b} {t} (make|make up|are) how many {t}(| in all| altogether)?
- Two (friends|neighbors|sisters), {n} and {m}, (put together|combine|pool) their {t}: {a} from {n} and {b} from {m}.
  How many {t} is that?
- Of the people on a ship, {a} are (crew|sailors) and {b} are (passengers|tourists). How many people are on the ship
  (in all|altogether)?
- {n} (needs|uses) {a} ml of milk for a cake and {b} ml for a sauce. How many ml of milk (are needed|does {n} need) in
  all?
- A cake takes {a} minutes to bake and {b} minutes to cool. How many minutes (does it take|is that) (altogether|in
  total)?
- (When|If) {n} has {a} dollars and earns {b} dollars more, how much (money |)will {n} have?
- In a (game|quiz), {n} had {a} points and then (won|gained|earned) {b} points. What is {n}'s score now?
- At {p}, {a} {t} were on display. (Today|Later), {b} more were put on display. How many {t} are on display now?
- What is the total mass if a (bag|parcel) of {a} kg and a (box|crate) of {b} kg are weighed together?
- {n}'s team won {a} games and lost {b}. How many games did the team play (in all|altogether|in total)?
- {n} (typed|wrote) {a} words before the break and {b} words after it. What is the total number of words?
- The (elevator|balloon) was at a height of {a} meters and (climbed|rose) {b} meters more. How high is it now?
- (There were|We saw) {a} (swans|seals|deer) and {b} (cranes|foxes|owls). How many animals (were seen|is that) in
  total?
- A (store|shop) has {a} (shirts|coats) in stock. A delivery of {b} more arrives. How many are in stock (now|then|after
  that)?
- {n} ate {a} (grapes|nuts|cherries), and {m} ate {b}. How many were eaten (in all|altogether|in total)?
- A (novel|story) has {a} pages. Its (sequel|second part) has {b} more pages than that. How many pages does the
  (sequel|second part) have?
- {n} is fined {a} dollars for (speeding|parking) and {b} dollars for (noise|littering). What must {n} pay in all?
- A (plane|coach) with {a} people on board (lands|stops), and {b} more people (get on|board). How many people are on
  board now?
- It was a busy week: {n} worked {a} minutes on Monday and {b} minutes on Tuesday. How many minutes (was that|did {n}
  work) in total?
- The (score|counter|meter) shows {a}. It goes up by {b}. What does it show (then|now)?
- {n} drove {a} miles, took a rest, and drove {b} more miles. How many miles did {n} drive (altogether|in all|in
  total)?
- There (is a group of|are) {a} (hikers|dancers|singers) in a hall. A second group of {b} joins them. How many are
  there (now|together)?
- A (ladder|pole) is {a} cm long and a (board|pipe) is {b} cm long. They are laid end to end. What is the total length?
- The first (chapter|act) lasts {a} minutes, the second {b} minutes. How long (are both|do they last) together?
- {n} wants to know how many {t} there are: {a} in the (kitchen|attic) and {b} in the (cellar|garage). What is the
  total?
- A (charity|school) raised {a} dollars at a fair and {b} dollars (online|by mail). How much (was raised|did it raise)
  altogether?
- {n} picked {a} (lemons|apples) from one tree and {b} from another( tree|). How many did {n} pick (in
  all|altogether|in total)?
- {n} (caught|saw) {a} fish and {m} {b} more than {n}. How many fish did {m} (get|have)?
- (Give the total|What is the total): {a} {t} (in|at) {p}, {b} {t} at home.
- A (computer|car) costs {a} dollars plus {b} dollars for (delivery|insurance|repairs). What is the total (cost|price)?
- {n} lit {a} candles and {m} lit {b} candles. How many candles are burning (now|in all|altogether)?
- A (cookbook|magazine) has {a} recipes for soup and {b} for cake. What is the total number of recipes?""",
        "{a} - {b}": """
- {n} had {a} {t}, (lost|sold|used) {b}. (How many left|How many remain|What is left)?
- A pizza place made {a} pizzas and sold {b}. How many (were not sold|were left|remained)?
- How many more points does {n} have than {m} if {n} has {a} and {m} has {b}?
- How many fewer (books|stamps|coins) does {m} have than {n} if {n} has {a} and {m} has {b}?
- By how many (cm|meters|feet) is a tower of {a} taller than a tower of {b}?
- (Find|Calculate|Work out) the difference in price between a (bike|sofa) for {a} dollars and a (bed|desk) for {b}
  dollars.
- {n} pays with {a} dollars for a (meal|shirt) that costs {b} dollars. How much change (is given|does {n} get|is due)?
- A (game|toy) costs {b} dollars. {n} gives the cashier {a} dollars. What is the change?
- {n} has driven {b} of {a} miles. How many miles (are left|remain|are still to go)?
- A film lasts {a} minutes. {n} has watched {b} minutes( of it|). How many minutes (are left|remain)?
- Of {a} (tickets|seats) for a concert, {b} have been sold. How many (are still for sale|are left|have not been sold)?
- (This morning|Yesterday) there were {a} loaves in the bakery; (now|tonight) there are {b}. How many loaves were sold?
- {n} had {a} {t} before the (move|storm|party) and {b} after it. How many {t} were lost?
- A (tree|shop) had {a} (apples|oranges). Now only {b} are left. How many (are gone|were taken)?
- {n} weighed {a} pounds and now weighs {b} pounds. How many pounds did {n} lose?
- The price of a (laptop|watch) fell from {a} dollars to {b} dollars. By how (much|many dollars) did it fall?
- The number of members (grew|rose|went up) from {b} to {a}. How many (members joined|new members are there)?
- A (plant|child|tree) grew from {b} cm to {a} cm. How many cm did it grow?
- A recipe needs {a} grams of (flour|sugar). {n} has only {b} grams. How many more grams (are needed|does {n} need)?
- {n} needs {a} points to win and has {b}( so far|). How many (more points are needed|points are missing|more does {n}
  need)?
- A (farm|zoo) has {a} animals: {b} are birds, and the rest are (snakes. How many snakes|fish. How many fish|cats. How
  many cats) are there?
- {a} {t} were ordered, but only {b} (arrived|came|were delivered). How many (are missing|did not arrive)?
- {b} of the {a} eggs in the (box|basket|fridge) broke. How many eggs (are left|remain|did not break)?
- If {n} gives away {b} of {a} {t}, how many (will be left|remain|does {n} keep)?
- A flock of {a} (birds|geese) was in a field. {b} flew away. How many (stayed|were left|remained)?
- {n} put {a} candles on a table. The wind blew out {b}. How many candles (are still burning|still burn)?
- (Today|On Friday) {a} people were at work and {b} of them (left early|went home). How many (stayed|were still there)?
- {n} is {a} years old. {m} is {b} years younger. How old is {m}?
- How old was {n} {b} years ago if {n} is {a}( years old|) now?
- {n} is {a} years old today. How old was {n} {b} years (ago|before)?
- {n} was born {b} years after {m}. {m} is {a} years old. How old is {n}?
- The red rope is {a} meters long, the blue one is {b} meters shorter. How long is the blue (rope|one)?
- A (cat|dog) weighs {a} kg. A (rabbit|puppy) weighs {b} kg less. What does the second animal weigh?
- {n} found {a} shells and {m} found {b} fewer( shells|) than {n}. How many shells did {m} find?
- {n} has {a} {t}, which is {b} more than {m} has. How many (does {m} have|{t} does {m} have)?
- {m} has some {t}. {n} has {b} more than {m}, that is {a}. How many does {m} have?
- Two (boxes|bags|shelves) hold {a} {t} together. If one holds {b}, how many are in the other?
- The sum of two (bills|prices) is {a} dollars. One is {b} dollars. (What|How much) is the other( one|)?
- {n} and {m} (scored|got) {a} points together. {n} (scored|got) {b}. How many points did {m} (score|get)?
- A bus can carry {a} people. There are {b} (on it|on board) now. How many more (people can get on|can get on|fit in)?
- A (hotel|motel) has {a} rooms, and {b} are (occupied|booked|taken). How many rooms are (free|still free|empty)?
- A box has room for {a} {t}. {b} are in it( now|). How many more {t} (fit|can be put) in?
- {n} wants to read {a} books this year and has read {b}. How many books (are left|does {n} still have to read)?
- {n} must (answer|solve) {a} questions. {b} are done. How many (are left to do|remain|still have to be done)?
- (A test had|On a test there were) {a} questions. {n} got {b} (right. How many were wrong|wrong. How many were right)?
- {n}'s team played {a} games and won {b}( of them|). How many (games did the team lose|were lost)?
- A (factory|workshop) made {a} {t}. {b} were (faulty|broken) and (removed|thrown out). How many were (good|left|fine)?
- A bank account holds {a} dollars. {n} (withdraws|takes out) {b} dollars. (How much is left|What remains in it)?
- {n} owes {m} {a} dollars and (pays back|returns) {b} dollars. How much does {n} still owe?
- {n} borrowed {a} books from the library and (brought back|returned) {b}. How many (does {n} still have|are still to
  be returned)?
- A (jug|bottle) holds {a} ml of juice. {n} drinks {b} ml. How many ml (are left|remain)( in it|)?
- A sack of {a} kg of rice is opened and {b} kg are (used|eaten|sold). How many kg (are left|remain)?
- The (car|truck) had {a} liters of fuel. It used {b} liters on a trip. How much fuel (is left|was left|remains)?
- (Take|Remove) {b} {t} from a box of {a}. How many (are left|remain|stay) in the box?
- Out of {a} (runners|cyclists) who started, {b} (gave up|dropped out). How many (finished|reached the goal)?
- Of {a} (seeds|bulbs) that were planted, {b} did not grow. How many (grew|did grow)?
- What is left of {a} dollars (if|when|after) {b} dollars are spent?
- {n} (began|started) the day with {a} dollars and (ended|finished) it with {b} dollars. How much did {n} spend?
- {n} went out with {a} dollars and came back with {b}. How much (money was spent|was spent)?
- Before the trip the tank held {a} liters, after it {b} liters. How many liters were used?
- The (meter|odometer) showed {b} km before the trip and {a} km after it. How long was the trip?
- {n} cut a rope of {a} feet. One piece is {b} feet long. How long is the other( piece|)?
- A mountain is {a} meters high and a hill is {b} meters high. How much higher is the mountain?
- One (truck|elephant|ship) weighs {a} kg, another {b} kg. How much heavier is the first( one|)?
- A (river|road) is {a} km long and another one is {b} km long. How much longer is the first?
- {n} ran {a} laps, {m} ran {b}. How many more laps did {n} run( than {m}|)?
- A plane flew at {a} meters and (went down|descended|sank) by {b} meters. (How high is it now|What is its height now)?
- The temperature was {a} degrees and (dropped|fell|went down) by {b} degrees. What is it now?
- At noon it was {a} degrees, at night {b}. By how many degrees did the temperature (fall|drop)?
- A (team|company) of {a} (workers|people) let {b} go. How many (are left|remain|still work there)?
- {a} children were playing. {b} went home. How many are still playing?
- {a} (frogs|ducks) sat (by|at) a pond, {b} jumped into the water. How many (stayed|were left) on land?
- {n} (blew up|bought) {a} balloons, but {b} (burst|popped). How many balloons (are left|remain)?
- Last year {a} people came to the (fair|festival). This year {b} fewer came. How many people came this year?
- A (shop|baker) sold {a} (pies|cakes) on Saturday and {b} on Sunday. How many more were sold on Saturday than on
  Sunday?
- Compare: {n} has {a} {t} and {m} has {b}. What is the difference?
- A shop with {a} {t} sells {b} of them. Find (the number that are left|how many remain|how many are left).
- I have {a} {t}. I give {b} to (my brother|my friend|{n}). How many do I have left?
- My (book|novel) has {a} pages, and I have finished {b} of them. How many pages do I still have to read?
- I want {a} {t} but have only {b}. How many (more do I need|are missing)?
- We (invited|asked) {a} guests and {b} said no. How many (said yes|will come)?
- An (album|box) has space for {a} photos. {n} has put in {b}. How many (spaces are left|more photos fit in|spaces are
  empty)?
- The (goal|aim) is {a} dollars. So far {b} dollars have been (raised|collected|saved). How much is (still
  missing|still needed|left to raise)?
- {n}'s trip takes {a} hours( in all|). {b} hours have passed. How many hours (are left|remain)?
- There are {a} days of (holiday|school) and {b} are over. How many days (are left|remain|are still to come)?
- {n} (should|has to) take {a} steps a day and has taken {b}. How many more steps (are needed|must {n} take)?
- A coat was {a} dollars. With a (coupon|voucher), {n} (saves|gets) {b} dollars off. What does {n} pay?
- A (phone|bag) that cost {a} dollars is now {b} dollars cheaper. What does it cost now?
- {n} sold a (bike|car) for {a} dollars after buying it for {b} dollars. What was the (profit|gain)?
- {n} bought a (lamp|table) for {a} dollars and sold it for {b} dollars. How much (did {n} lose|was the loss)?
- {n} earns {a} dollars and pays {b} dollars in (rent|tax|fees). How much (is left|remains|does {n} keep)?
- A package with its box weighs {a} grams. The box alone weighs {b} grams. What does the content weigh?
- The winner got {a} votes and the loser {b}. (By how many votes did the winner win|What was the lead of the winner)?
- {n} planted {a} trees, and a storm (destroyed|knocked down) {b} of them. How many trees are still standing?
- A (train|tram) left with {a} people. When it arrived, {b} (had got off|had left it). How many were still on
  (it|board)?
- (After|Once) {b} people left the (party|room|meeting) of {a}, how many (were still there|remained|stayed)?
- {n} has {a} {t}. {b} are at home, the others are at {p}. How many {t} are at {p}?
- {n} had {a} {t}. Some were stolen, and {n} has {b} now. How many were stolen?
- {n} had {a} {t} and gave some to {m}. {n} now has {b}. How many {t} did {m} get?
- {n} had {b} {t}. {m} gave {n} some more, and now {n} has {a}. How many did {m} give?
- There were {b} people (in|at) {p}. Some more came, and now there are {a}. How many came?
- (Today|Now) {n} has {a} (cards|stickers|coins). Yesterday {n} had {b}. How many (are new|new ones are there)?
- What must be added to {b} {t} to (get|have|make) {a}?
- {n} (has|keeps) {b} {t} and wants {a}. How many more does {n} have to (buy|find|get)?
- {n} had some money, got {b} dollars from {m}, and then had {a} dollars. How much did {n} have (at first|before that)?
- After {n} (bought|found) {b} {t}, there were {a}. How many were there (before|at first|in the beginning)?
- A (jar|bowl) of {a} (cookies|sweets) was full; {n} and {m} ate {b}. How many are in (it|there) now?
- The (band|choir) learned {a} songs but performed only {b} of them. How many songs were not performed?
- {n}'s (battery|phone) had {a} minutes of power left. A call used {b} minutes. How many minutes are left now?
- A (roll|piece) of cloth is {a} meters long. A dress takes {b} meters of it. How much cloth (is left|remains)?
- {a} letters were written and {b} of them were (mailed|sent). How many (were not sent|are still to be sent)?
- A (deck|pack) has {a} cards. {b} cards are (dealt|handed out|taken). How many cards (are left|remain) in it?
- {n} (spilled|dropped) {b} of the {a} (beads|nuts|beans) in a jar. How many (stayed in it|are left in it|remained in
  it)?
- In a class of {a} children, {b} can swim. How many cannot( swim|)?
- {b} of {a} lamps (at|in) {p} are on. How many are (off|not on)?""",
        "{a} + {b} + {c}": """
- {n} has {a} {t}, {m} has {b}, and I have {c}. (Total|How many do we have in all|How many together)?
- How many (pupils|children) are in three classes of {a}, {b} and {c}( in all|)?
- (Find|Calculate|Work out) the total cost of a (meal|pizza) for {a} dollars, a drink for {b} dollars and a
  (cake|salad) for {c} dollars.
- A triangle has sides of {a} cm, {b} cm and {c} cm. (What is its perimeter|Find the perimeter|How long is the way
  around it)?
- {n} swam {a} laps on Monday, {b} on Wednesday and {c} on Friday. How many laps (is that|did {n} swim) (in
  all|altogether|in total)?
- At {p} there are {a} adults, {b} boys and {c} girls. How many people are (there|at {p}) altogether?
- {n} read {a} pages in the morning, {b} in the afternoon and {c} at night. How many pages did {n} read (that day|in
  total|in all)?
- A (vase|garden) has {a} roses, {b} tulips and {c} lilies. How many flowers are (in it|there) (in all|altogether)?
- A fruit bowl holds {a} apples, {b} pears and {c} plums. How many pieces of fruit (is that|are there)( in total|)?
- {n} spent {a} dollars on food, {b} dollars on clothes and {c} dollars on (books|gifts). How much did {n} spend (in
  all|altogether)?
- If {a} red, {b} blue and {c} green (balls|beads|cars) are in a box, how many are (there|in it) (in all|altogether)?
- Three friends picked {a}, {b} and {c} (berries|apples|mushrooms). What is the total?
- Three trucks carry {a} kg, {b} kg and {c} kg. What is their total load?
- A (trip|tour) has three parts: {a} km, {b} km and {c} km. How long is the whole (trip|way)?
- {n} worked {a} hours on Monday, {b} on Tuesday and {c} on Thursday. How many hours did {n} work (in
  total|altogether|in all)?
- (First|At first) {n} had {a} {t}. Then {n} got {b} from {m} and {c} from a friend. How many does {n} have now?
- A museum had {a} visitors on Friday, {b} on Saturday and {c} on Sunday. How many visitors came in the three days?
- {n} gave {a} {t} to {m} and {b} to a friend and kept {c}. How many {t} did {n} have (at first|in the
  beginning|before)?
- {n} sold {a} {t} in (May|spring), {b} in (June|summer), and {c} are left. How many {t} were there (at first|at the
  start)?
- A shop had {a} {t}. It got {b} more on Monday and {c} more on Tuesday. How many {t} does the shop have now?
- In a vote, {a} people said yes, {b} said no and {c} did not know. How many people (were asked|voted) (in all|in
  total)?
- A rope is cut into pieces of {a} cm, {b} cm and {c} cm. How long was the rope before?
- {n} saves {a} dollars in (March|June), {b} dollars in (April|July) and {c} dollars in (May|August). What is the total
  saved?
- A (team|club) won {a} games, lost {b} and drew {c}. How many games did it play (altogether|in all)?
- A parking lot has {a} cars, {b} vans and {c} motorcycles. How many vehicles are there (in all|altogether|in total)?
""",
        "{a} + {a} + {b}": """
- {n} has {a} {t}, {m} {b} more. Together?
- If {n} has {a} {t} and {m} has {b} more than {n}, how many do they have (altogether|together|in all)?
- How many {t} do {n} and {m} have together if {n} has {a} and {m} has {b} more than {n}?
- {n} picked {a} (apples|berries). {m} picked {b} more than {n}. (Find the total|How many did they pick in all|How many
  did both pick together).
- {n} read {a} pages yesterday and {b} more pages than that today. How many pages did {n} read (in both days|in
  all|altogether)?
- A (pen|cup) costs {a} cents and a (book|plate) costs {b} cents more( than that|). What do both cost together?
- One class has {a} pupils, the other has {b} more. How many pupils are in both classes( together|)?
- On Friday {a} people came to {p}. On Saturday there were {b} more than on Friday. How many (came|people came) in the
  two days (together|in all)?
- {n} worked {a} minutes. {m} worked {b} minutes longer than {n}. How many minutes did they work (in total|altogether)?
- {n} is {a} years old. {m} is {b} years older than {n}. (What is the sum of their ages|How old are they together)?
- The first rope is {a} meters long; the second is {b} meters longer. (What is their total length|How long are both
  together)?
- One box weighs {a} kg and another one {b} kg more. What do the two weigh (together|altogether|in all)?
- A farmer has {a} hens and {b} more ducks than hens. How many birds (are there|does the farmer have) altogether?
- {n} earned {a} dollars in the first week and {b} dollars more in the second week than in the first. How much did {n}
  earn in both weeks?
- The (red|home) team scored {a} points, and the (blue|other) team scored {b} more than that. How many points were
  scored in all?""",
        "{a} + {a} - {b}": """
- {n} has {a} {t}, {m} {b} fewer. Together?
- {n} has {a} {t}. {m} has {b} fewer than {n}. How many {t} do they have (together|altogether|in all)?
- If {n} has {a} {t} and {m} has {b} less than {n}, how many do (they|both) have (in total|together)?
- How many {t} do {n} and {m} have in all if {n} has {a} and {m} has {b} fewer than {n}?
- {n} read {a} pages on Monday and {b} fewer pages on Tuesday. How many pages did {n} read (in both days|in
  all|altogether)?
- A (coat|chair) costs {a} dollars and a (hat|lamp) costs {b} dollars less. (What do both cost together|How much do the
  two cost in all)?
- {n} ran {a} km on Saturday and {b} km less on Sunday. (What is the total distance|How many km is that in all)?
- {n} is {a} years old. {m} is {b} years younger than {n}. (What is the sum of their ages|How old are they together)?
- The first box holds {a} {t}, the second {b} fewer than the first. How many {t} are in both( together|)?
- A shop sold {a} (cakes|tickets) in the morning and {b} fewer in the afternoon. How many were sold (in
  all|altogether|that day)?
- A farm has {a} sheep and {b} fewer goats than sheep. How many animals (are there|is that) (in all|altogether)?
- {n} scored {a} points in the first game and {b} points fewer in the second. What is the total score?
- On Friday {a} people came to {p}, on Saturday {b} fewer than on Friday. How many came in the two days together?
- One (bag|crate) weighs {a} kg, another weighs {b} kg less than that. How much do they weigh (together|in total)?
- {n} earned {a} dollars in May and {b} dollars less in June than in May. How much did {n} earn in both months?""",
    }.items()
    for text in texts.split("- ")[1:]
)
