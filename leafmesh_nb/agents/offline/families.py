"""Families of everyday English words that speak of one thing, after the headings of a thesaurus.

They let a text meet an example or a value's name without sharing a word with it. They were
written down once for daily life at large and belong to no trade. A line is a family: its name,
then its words; `_` joins the words of a phrase. A word may be in several families.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Final

from leafmesh_nb.agents.offline.stems import stem

_FAMILIES: Final = """
come: arrive arrival reach come_in get_here show_up turn_up land check_in enter entry approach
leave: depart departure leave exit go_away move_out check_out vacate set_off
move: move relocate shift transfer haul remove relocation
carry: ship shipment shipping deliver delivery courier transport freight dispatch send post mail
travel: travel trip journey flight fly train tour holiday vacation passenger airport station
vehicle: car vehicle truck van bus taxi lorry motorbike bicycle driver drive engine wheel tire brake
way: road street route way path direction map lane highway traffic
home: house home flat apartment property building residence tenant landlord housing tenancy
room: room bedroom kitchen bathroom ceiling floor wall hall roof cellar balcony
doorway: door window lock key gate handle hinge
water: water pipe tap leak drip flood plumber drain sink toilet shower wet soak pour basin
heat: heat heating boiler radiator warm hot temperature thermostat furnace
cold: cold freeze chill cool ice fridge air_conditioning
fire: fire smoke burn flame blaze scorch spark
electricity: electricity electric power socket wire cable plug lamp light bulb battery charger fuse
furniture: furniture table chair bed sofa couch desk mattress shelf cupboard wardrobe
clothing: clothes shirt trousers dress shoe jacket coat sweater fabric garment
food: food meal eat breakfast lunch dinner dish menu restaurant cook snack kitchen hungry
drink: drink beverage wine beer coffee tea juice bottle thirsty
weather: weather storm rain snow wind hail sunny
late: late delay delayed overdue wait waiting behind_schedule slow not_arrive still_not promised
early: early earlier ahead_of soon sooner
urgent: urgent urgency priority immediate immediately asap emergency critical right_away
urgent: at_once important severity severe serious pressing quickly
begin: begin start commence launch first opening initiate onset
end: end finish stop expire expiry terminate termination close conclude over quit
again: again repeat repeatedly twice duplicate double once_more recurring another
book: book booking reserve reservation appointment slot meeting schedule visit consultation
available: available availability free vacant vacancy open spare
postpone: postpone reschedule put_off defer push_back rearrange change_date another_day later_date
buy: buy purchase order shop acquire customer shopping cart checkout
sell: sell seller vendor dealer market trade auction
pay: pay payment charge bill invoice debit billing paid transaction installment
cost: cost price fee expensive rate tariff amount quote estimate
money: money cash coin dollar euro pound fund funds bank currency
refund: repay reimburse reimbursement repay money_back give_back compensation compensate
refund: repay restitution recoup paid_back pay_back get_back
debt: owe debt due loan arrears outstanding mortgage interest instalment lend borrow
cheap: cheap discount coupon voucher bargain offer promotion reduced sale
excess: overcharge overpay too_much extra excess surcharge too_high higher
tax: tax duty duties customs vat levy tariff border import export
insurance: insurance insure insured claim cover coverage policy premium
contract: contract agreement lease terms clause sign renew renewal deed
membership: subscribe subscription membership member plan licence seat
account: account profile user registration
card: card debit_card credit_card visa mastercard
employment: job work hire employ employment position career applicant apply application resume
wage: salary wage pay payroll earn income bonus overtime
inquire: question inquire query ask wonder wondering information info clarify curious find_out
inquire: want_to_know like_to_know tell_me explain
answer: answer reply respond response
inform: inform tell notify announce notification notice message report update statement
speak: speak talk call phone telephone conversation discuss voice
write: write letter email mail document text note
complain: complain complaint protest grievance unacceptable disgrace dissatisfied unhappy objection
complain: disappointed terrible awful rude ridiculous appalling
praise: praise thank thanks thankful grateful gratitude great excellent wonderful fantastic kind
praise: compliment amazing appreciate lovely friendly brilliant
apologize: apologize apology sorry regret
request: request demand require claim insist petition
suggest: suggest suggestion propose proposal idea recommend feature wish improvement would_be_nice
suggest: would_be_great would_help consider could_you_add feedback
agree: agree accept approve approval consent confirm confirmation acknowledge yes
refuse: refuse reject decline deny denial turn_down object disagree dispute
help: help assist assistance support aid advice guide guidance
warn: warn warning alert danger alarm caution reminder
know: know knowledge learn aware understand realize
forget: forget forgotten not_remember
decide: decide decision choose choice select option prefer pick
angry: angry anger furious annoyed outrage mad upset frustrated fed_up
sad: sad unhappy grief cry depressed miserable
happy: happy glad pleased delight satisfied joy content
fear: fear afraid worry worried anxious scared nervous concern
deceive: fraud scam fake deceive lie cheat false counterfeit forged phishing suspicious
steal: steal theft robbery burglar burglary rob stolen
ill: ill sick disease unwell fever infection flu cough symptom nausea
pain: pain hurt ache sore painful suffer headache
injury: injury injured wound bleed bruise cut fracture accident fall collapse unconscious
doctor: doctor physician nurse hospital clinic surgeon medical patient dentist vet
medicine: medicine pill tablet drug prescription dose pharmacy ointment medication
examine: test exam examine examination inspect inspection check scan measure sample lab laboratory
result: result outcome finding findings value report score
body: body head arm leg hand foot back knee eye tooth heart skin blood breath chest
death: die death funeral kill fatal
birth: birth baby pregnant newborn infant
family: family mother father wife husband son daughter parent child brother sister kid
neighbor: neighbor next_door upstairs downstairs
guest: guest person people adult visitor party attendee participant traveller pax customer
worker: staff employee worker colleague team manager boss crew
law: law legal lawyer court sue attorney solicitor lawsuit judge
police: police officer crime criminal arrest
government: government authority ministry council office permit official public
school: school teacher student lesson class course study university pupil education
damage: break crack smash damage scratch dent tear crush shatter snap split chip ruin destroy
damage: harm spoil spill stain
fault: fault defect broken malfunction crash error bug fail failure glitch freeze stuck not_operate
fault: faulty defective out_of_order wrong problem issue hang outage jam stops down
repair: repair fix mend restore maintenance technician plumber broken replace service leak jam
lose: lose lost missing disappear vanish gone misplaced not_arrive nowhere steal stolen
find: find discover locate search trace look_for
give: give donate grant gift present hand_over provide supply donation charity
take: take grab collect pick_up fetch collection
keep: keep retain store storage hold
change: change alter modify modification amend amendment update switch swap edit correct different
change: instead adjust revise convert exchange
improve: improve better upgrade enhance improvement
add: add addition include extra additional increase raise extend
reduce: reduce lower decrease cut less
cancel: cancel withdraw call_off abort annul revoke drop not_come no_longer called_off
cancel: not_make_it unsubscribe give_up calling_off
open: open unlock unblock
shut: close shut lock block locked blocked closed
join: join enroll register sign_up enter
resign: quit resign resignation notice move_out terminate give_notice leave not_renew
permit: permit allow permission authorize allowed
forbid: forbid ban prohibit illegal
make: make build create construct produce manufacture
clean: clean wash cleaning laundry tidy sweep vacuum hygiene
dirty: dirty dirt stain mould filthy dust grime mess
full: full crowded packed busy
empty: empty out_of run_out none_left deplete
big: big large huge enormous
small: small little tiny minor
old: old ancient worn outdated age
good: good positive fine favorable
bad: bad poor negative worse unpleasant
noise: noise noisy loud music party shout bark barking drum hammering sound
quiet: quiet silent calm peaceful
smell: smell stink odour scent
safe: safe safety secure security protect
hazard: danger dangerous hazard risk unsafe emergency explosion poison
animal: animal dog cat pet bird horse puppy kitten
plant: plant tree garden flower lawn grass
computer: computer laptop device phone tablet printer hardware machine
software: software app application program install installation website site dashboard
network: internet network wifi connection signal router broadband
screen: screen page display button tab menu
access: access login log_in sign_in password username locked_out credential two_factor unlock
access: log_on sign_on log_into
image: photo picture image camera video
music: music song concert instrument
sport: sport game match team training fitness gym
paper: document form certificate paper file pdf copy
see: see look view viewing visit look_around show_around come_and_see tour inspect
parcel: parcel package packet box carton consignment crate pallet envelope
shop: shop store mall counter outlet
tool: tool equipment machine appliance instrument
measure: size length width height weight dimension fit
distance: distance mile kilometre kilometer km odometer
quality: quality material texture finish standard
taste: taste flavour delicious bland
beauty: beauty hair nail makeup massage salon
night: night stay accommodation hotel lodging overnight
rent: rent rental hire lease letting deposit
vote: vote election candidate ballot
religion: church temple mosque prayer worship
war: war army soldier weapon military
agriculture: farm crop harvest cattle field
science: science research experiment theory
waste: waste rubbish garbage trash litter bin recycle dump landfill scrap discard junk compost skip
environment: environment climate pollution green nature ecology carbon emission contaminate sewage
pavement: pavement sidewalk kerb curb asphalt pothole road bridge crossing roundabout tarmac gravel
traffic: traffic congestion junction signal speed lane pedestrian cyclist jam sign
parking: park parking garage bay meter tow clamp lot
light: light lamp lighting bulb bright dark lantern shine glow flicker dim illuminate
park: park playground garden lake bench swing lawn grass tree branch flower meadow pond field path
plant: plant tree flower leaf branch bush hedge root seed grass lawn weed garden mow prune soil
permit: permit licence license permission authorize application form allow approve registration
permit: certificate document apply visa passport
build: build construction builder extension fence wall roof scaffold renovate architect brick
vacation: vacation holiday leave day_off time_off off absence absent annual_leave break getaway
illness: ill sick illness unwell fever flu cold sick_leave sick_note recover
payroll: payroll pay salary wage payslip bonus overtime deduction pension tax income earn
expense: expense receipt reimburse mileage allowance spend spent cost travel hotel taxi lunch claim
equipment: equipment device laptop computer keyboard mouse monitor screen printer phone headset
equipment: machine gear hardware tool cable charger replacement
training: train training course lesson workshop learn teach class seminar certificate coach skill
training: instructor tutorial refresher qualification exercise education study
recruit: recruit candidate interview hire applicant apply vacancy job cv offer reference
colleague: colleague manager supervisor team boss coworker department employee office
discipline: harassment bully discrimination misconduct grievance insult unfair
office: office desk meeting_room stationery paper printer workplace
payment_method: card cash cheque transfer direct_debit wallet bank
bank: bank account transfer balance deposit withdraw withdrawal overdraft transaction statement
invest: invest investment stock share bond fund portfolio dividend broker pension
loan: loan mortgage credit borrow lend instalment repayment interest rate
exchange: exchange swap replace replacement substitute trade convert
return: return send_back bring_back give_back take_back hand_back
gift: gift present voucher card wrap birthday surprise
size: size large small fit tight loose wide narrow long short length inch centimetre
color: color red blue green black white yellow shade paint print
shape: shape round square flat curved pattern style design
heavy: heavy weight kilo pound ton load lift
fast: fast quick quickly speed rapid hurry express swift
slow: slow slowly lag sluggish
bicycle: bicycle bike cycle pedal helmet saddle
engine: engine motor oil gear clutch exhaust brake wheel tire battery fuel petrol diesel
flight: flight plane airline airport boarding gate luggage baggage suitcase seat cabin passenger
rail: train rail railway station platform carriage ticket conductor tram metro
sea: ship boat ferry cruise harbour port sail
luggage: luggage baggage bag suitcase backpack
hotel: hotel room suite guest reception check_in check_out breakfast stay lodging hostel
restaurant: restaurant table waiter menu chef meal dinner lunch cafe dish reservation
allergy: allergy allergic gluten nut lactose vegan vegetarian intolerance diet dietary halal kosher
kitchen: kitchen oven stove sink fridge dishwasher cook pan microwave
laundry: laundry wash washing dryer iron detergent stain
bathroom: bathroom bath shower toilet basin towel sink
pest: pest mouse rat cockroach ant insect bug wasp mould infestation vermin bite
decoration: paint wallpaper carpet curtain decorate tile floor
heating: heat heating boiler radiator gas thermostat warm cold
gas: gas fuel petrol oil leak smell
meter: meter reading consumption usage kilowatt unit
internet: internet broadband wifi router connection network signal speed fibre line offline
phone: phone telephone mobile call sim signal number handset text voicemail roaming
television: television tv channel film movie series stream broadcast cinema
data: data file record export import backup report table spreadsheet list
privacy: privacy personal_data consent gdpr confidential delete_my erase
hack: hack hacker breach virus malware phishing compromise suspicious attack stolen
fraud: fraud scam fake unauthorized unknown_charge not_recognize suspicious impersonate forged
identity: identity passport id_card licence name_change proof document verify
address: address move relocate street postcode new_address moved
birth: birth baby born pregnant pregnancy maternity midwife newborn
marriage: marriage wedding marry wife husband bride divorce
death: death die funeral deceased inheritance will bury grave
child: child kid baby son daughter toddler school nursery
elderly: elderly old pensioner retire retirement care nursing grandmother grandfather
disability: disability wheelchair disabled accessible deaf blind ramp accessibility
charity: charity donate donation volunteer fundraise
emergency: emergency ambulance accident fire unconscious collapse breathe bleed rescue help danger
emergency: heart_attack stroke seizure choke faint not_breathe severe urgent
breathe: breathe breath breathing cough lung asthma chest
skin: skin rash itch burn spot acne wound
tooth: tooth dental dentist gum filling crown toothache jaw
eye: eye sight glasses lens vision optician blind
mental: stress anxiety depressed panic sleep therapy lonely insomnia
exercise: exercise gym fitness training run swim yoga workout muscle trainer
vaccine: vaccine vaccination jab immunize booster injection
animal: animal dog cat pet puppy kitten horse bird vet rabbit hamster fur paw
crime: crime criminal theft burglary assault vandal vandalism graffiti police weapon offence
court: court judge trial sue lawyer witness evidence sentence appeal lawsuit
dispute: dispute disagree contest appeal challenge object objection
penalty: penalty fine punishment ticket offence ban
inheritance: inherit inheritance will estate heir
election: election vote ballot poll candidate
book: book appointment slot see_the come_in free_slot check_up
library: library book borrow read author novel return overdue loan
theatre: theatre play stage concert show performance ticket actor audience opera
art: art painting museum gallery exhibition artist sculpture
event: event party wedding conference ceremony festival celebration celebrate birthday occasion
photo: photo picture camera photographer portrait album
game: game play player level score console toy puzzle
craft: sew knit craft wood carpenter handmade
beauty: beauty hair haircut nail makeup massage salon barber cosmetic
fashion: fashion shoe shirt dress jeans jacket coat hat bag wear
jewelry: jewelry ring necklace gold silver diamond watch
farm: farm farmer crop harvest cattle field tractor cow sheep
fish: fish fishing boat catch net
wood: wood timber plank oak pine saw
metal: metal steel iron rust rusty aluminium weld
glass: glass window pane mirror bottle
plastic: plastic rubber foil packaging
packaging: packaging box wrap carton seal label envelope
stock: stock in_stock out_of_stock sold_out available inventory supply warehouse backorder
track: track tracking trace status where_is progress update
quantity: quantity number amount many few pair piece dozen
incomplete: incomplete missing part not_include short forgot piece left_out
wrong_item: wrong different not_what_i incorrect mistake mix_up swapped
expired: expire expired out_of_date stale rotten mouldy gone_off spoil
taste: taste flavour delicious bland salty sweet sour
temperature: temperature hot cold warm degree lukewarm
warranty: warranty guarantee cover repair defect free_of_charge
manual: manual instruction guide how_to set_up setup install assemble assembly configure
compatible: compatible fit work_with support compatibility
language: language translate translation english spanish french german interpreter
weather: weather storm rain snow wind ice flood hail thunder lightning drought
season: spring summer autumn winter season
direction: direction where location near far map route distance
opening: open opening_hours hours close closed holiday_hours
price: price cost how_much expensive cheap rate fee charge tariff
discount: discount voucher coupon promo code sale offer bargain deal reduction
loyalty: loyalty points reward member bonus
survey: survey feedback review rating star opinion
partner: partner partnership supplier cooperate sponsor affiliate collaborate
press: press journalist interview article media
sales: sales quote quotation demo offer purchase pricing enterprise buy
news: news press journalist magazine newspaper article
"""


@cache
def families_of() -> Mapping[str, tuple[str, ...]]:
    """For each stem, or `_`-joined stems of a phrase, the families that it belongs to."""
    members: dict[str, dict[str, None]] = {}
    for line in _FAMILIES.strip().splitlines():
        name, _, words = line.partition(": ")
        for word in (name, *words.split()):
            key = "_".join(stem(part) for part in word.split("_"))
            members.setdefault(key, {})[name] = None
    return MappingProxyType({key: tuple(names) for key, names in members.items()})


@cache
def kin_of(name: str) -> Mapping[str, float]:
    """The other families that share words with the family `name`, and the share they have."""
    known = families_of()
    members = [names for names in known.values() if name in names]
    shared = Counter(other for names in members for other in names if other != name)
    return MappingProxyType({other: count / len(members) for other, count in shared.items()})
