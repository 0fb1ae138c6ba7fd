"""Things, places, names, verbs, nouns and keys that nano reads of; of all but names every fifth is held out."""

from __future__ import annotations

from typing import Final

THINGS: Final[tuple[str, ...]] = tuple(
    """
    apples pears books pens coins cards stones shells eggs cookies marbles stamps cups plates chairs balls flowers
    toys candles tickets photos oranges lemons pencils boxes keys buttons bottles cakes muffins stickers magnets
    lamps nails bricks seeds plants trees birds fish rabbits shirts hats socks shoes rings beads maps letters
    notebooks crayons peaches plums grapes carrots potatoes onions loaves cheeses jars baskets ribbons kites drums
    bananas mangoes tomatoes erasers rulers folders envelopes badges puzzles games dolls cars trucks trains boats
    cherries strawberries melons limes figs dates olives peppers cucumbers beans pumpkins mushrooms nuts almonds
    walnuts peanuts candies lollipops chocolates donuts pancakes waffles sandwiches pizzas burgers rolls bagels pies
    tarts biscuits crackers sweets cupcakes pretzels dumplings sausages pickles cans cartons packets bags sacks crates
    barrels buckets bowls spoons forks knives pots pans trays mugs glasses kettles napkins towels blankets pillows
    sheets curtains carpets rugs tables desks benches stools sofas beds shelves drawers mirrors clocks watches vases
    pictures paintings posters frames postcards newspapers magazines comics novels dictionaries brushes paints markers
    pins clips scissors staplers notes stars medals trophies tokens coupons bracelets necklaces earrings gems pearls
    crystals rocks leaves feathers acorns pinecones sticks logs planks boards screws bolts hammers wrenches ladders
    ropes wires cables bulbs batteries radios phones tablets laptops cameras robots tires bicycles scooters skates
    skateboards helmets bats rackets whistles guitars violins flutes trumpets pianos balloons banners flags lanterns
    tents backpacks suitcases umbrellas jackets coats scarves gloves mittens sweaters dresses skirts belts boots
    sandals caps tulips roses daisies bushes cacti cats dogs hamsters goats cows horses ducks chickens frogs turtles
    butterflies ladybugs wagons planes rockets tiles cubes blocks dice chips pebbles cones bells combs soaps sponges
    brooms
    """.split()
)

PLACES: Final[tuple[str, ...]] = (
    *("the shop", "the market", "the museum", "the school", "the library", "the garden", "the bakery"),
    *("the station", "the zoo", "the park", "the farm", "the store", "the cinema", "the village", "the hotel"),
    *("a shop", "a warehouse", "a theater", "a garage", "an office", "the gym", "the stadium", "the harbor"),
    *("the airport", "the hospital", "the castle", "the factory", "the supermarket", "the bookstore", "the pet shop"),
    *("the toy store", "the kitchen", "the classroom", "the playground", "the campground", "the restaurant"),
    *("the post office", "the town hall", "the orchard", "a café", "a workshop", "a barn", "a greenhouse", "a club"),
    *("a hardware store", "a gallery", "a school", "a park", "the swimming pool", "the fair", "the circus"),
    *("the aquarium", "the flower shop", "the bank", "an inn", "an art studio", "the lake house", "the old mill"),
)

NAMES: Final[tuple[str, ...]] = tuple(
    """
    Anna Ben Clara David Emma Felix Grace Henry Ida Jack Kate Leo Maria Noah Olga Paul Rosa Sam Tina Victor Alice Bob
    Carlos Diana Eric Fatima George Hannah Ivan Julia Kevin Laura Mark Nina Oscar Peter Quinn Rachel Simon Tom Uma
    Vera Will Yuki Zoe Ali Mei Raj Lena Omar Sara John Lisa James Mary Liam Mia Olivia Ava Sophia Lucas Ethan Mason
    Logan Ella Chloe Lily Emily Aiden Jacob Daniel Michael Sarah Jessica Ashley Robert Linda Susan Karen Nancy Betty
    Thomas Charles Martin Andrew Tim Jim Joe Max Amy Ann Jane Jenny Sally Molly Lucy Ruby Ellie Toby Oliver Harry
    Charlie Alex Adam Luke Matthew Jose Juan Luis Pedro Diego Miguel Sofia Lucia Elena Carmen Isabel Mateo Pablo
    Ana Joao Thiago Beatriz Pierre Marie Claire Louis Camille Hugo Giulia Marco Luca Chiara Matteo Francesca Hans
    Greta Jonas Lars Ingrid Astrid Sven Freya Nils Anders Katarina Dmitri Natasha Sasha Boris Irina Mikhail Zofia
    Piotr Agnes Milan Jana Nikos Eleni Yusuf Aisha Layla Hassan Ahmed Mohammed Zainab Khalid Amira Leila Noor Tariq
    Samir Yasmin Emre Elif Mehmet Ayse Dara Reza Shirin Priya Arjun Anika Rohan Deepa Vikram Kavya Sanjay Lakshmi
    Ravi Nisha Amit Wei Li Jun Ming Xin Ling Hiro Kenji Sakura Aiko Haruto Yumi Takeshi Min Jiwoo Hana Seo Linh Minh
    Thuy Binh Putu Dewi Budi Siti Malia Keanu Kofi Ama Kwame Abena Chidi Ngozi Amara Emeka Zuri Jabari Imani Tendai
    Thandi Sipho Lindiwe Tariku Selam Abebe Moana Aroha Nayeli Itzel Sean Aoife Niamh Owen Rhys Callum Fiona Eva
    """.split()
)

VERBS: Final[tuple[str, ...]] = tuple(
    """
    get find send book cancel create delete update list search open close start stop check read write count convert
    order track lookup add remove set turn play pause schedule reserve notify translate measure rename move copy
    archive submit approve reject assign print scan sort compare publish fetch load save share block lock unlock
    enable disable ship pack pay refund charge rate review report call text invite accept join leave follow show
    rent buy sell borrow return draw paint build repair clean water feed plant mark flag tag merge split export import
    """.split()
)
NOUNS: Final[tuple[str, ...]] = tuple(
    """
    weather order user invoice ticket message email price room flight meeting event task file report account balance
    stock item product customer address phone city date time temperature route train hotel table reservation alarm
    reminder timer light door song playlist movie book recipe note document page post comment photo video image device
    sensor lamp heater fan pump valve engine car bike parcel package shipment delivery payment refund loan card coupon
    discount tax salary contract project team member student course grade exam score rank level player game match
    branch commit issue server backup log query record row key token session user profile group channel topic
    forecast distance speed weight height length width depth color size status state code rating budget cost total
    population capital currency language country region zone street bus taxi plane boat ship garden plant tree animal
    patient doctor visit dose lab test result license permit badge seat menu dish drink guest host shift job
    """.split()
)
KEYS: Final[tuple[str, ...]] = tuple(
    """
    name city date time amount count quantity price title id email phone address country color size status type unit
    note reason priority level age year month day hour minutes days weight height length width temperature rating score
    total code number reference customer supplier author owner sender recipient subject body label category brand model
    version language currency location street zip floor room seat start end origin destination from_city to_city
    first_name last_name due_date user_id order_id invoice_number unit_price item_name start_date end_date max_price
    min_age phone_number room_number is_paid is_open has_pets in_stock full_name job_title company department
    """.split()
)

TABLES: Final = (THINGS, VERBS, NOUNS)
"""Words of letters alone, of which every fifth is held out."""
