/**
 * What visitors of the demo shop may ask, in words of their own, and where its documents answer it: `holds` is a phrase of the passage that
 * does, or several where more than one does. Without it, no document does. `before`: what the same visitor has said before.
 */
export interface DemoQuestion {
  readonly asks: string
  readonly holds?: readonly string[]
  readonly before?: string
}

export const answered = (asks: string, ...holds: string[]): DemoQuestion => ({ asks, holds })
export const unanswered = (asks: string): DemoQuestion => ({ asks })

export const afterwards = (before: string, asks: string, ...holds: string[]): DemoQuestion => ({
  before,
  asks,
  holds,
})

/** As the widget of the demo proposes them. */
const proposed = [
  answered('How long does delivery take?', 'takes 1–2 working days'),
  answered('Can I return it?', 'within 30 days after it has arrived'),
  answered('How do I care for oak?', 'wipe it with a damp cloth'),
]

const products = [
  answered('What is the maximum load of your bench?', 'the Pier bench 320 kg'),
  answered('Can I get the desk in a wider version?', '160 cm for 110 €'),
  answered('How tall is the shelf?', '80 × 24 × 180 cm'),
  answered('How much weight can one board of the shelf take?', 'each of which holds 25 kg'),
  answered('Is the timber you use sustainably sourced?', 'FSC certified'),
  answered('Do you use any rainforest timber?', 'no tropical wood'),
  answered('Is the finish harmless for things I eat from?', 'safe for food'),
  answered('May I put my chopping board into the dishwashing machine?', 'never go into the dishwasher'),
  answered('How do I get rid of a scratch?', 'sandpaper of grit 240'),
  answered('How often do I have to oil my furniture?', 'Oil once a year'),
  answered('How close to a heater may a table stand?', '50 cm away from radiators'),
  answered('Can a bench be built in a custom length?', 'between 60 and 240 cm'),
  answered('How much of a custom piece must be paid upfront?', 'Half of the price is paid with the order'),
  answered('What does it cost to have a stool mended after fifteen years?', '48 € per hour'),
  answered('Who covers the postage when I send something in for repair?', 'paid by the customer'),
  afterwards('Tell me about the Keel desk.', 'How heavy is it?', '31 kg'),
  afterwards('I would like a shelf made to measure.', 'How long will that take?', 'six to eight weeks'),
  afterwards('Do you sell a care set?', 'What does it cost?', '250 ml and two cloths, 19 €'),
]

const delivery = [
  answered('How many days does a package to Norway take?', '4–6 working days'),
  answered('From which amount on do I pay nothing for delivery?', 'free from an order value of 80 €'),
  answered('Do you ship to the United States?', 'We do not deliver to other countries'),
  answered('If I pay in the morning, will it go out the same day?', 'paid by 12:00 on a working day'),
  answered('Will somebody carry the desk upstairs for me?', 'third floor without a lift'),
  answered('Can you take the cardboard away again?', 'Taking the packaging back costs nothing'),
  answered('Do I owe customs when I order from Switzerland?', 'settled by us for orders below 1,000 €'),
  answered('My package seems to be lost, what now?', 'we start a search with the carrier'),
  answered('How many days do I have to send goods back?', 'send anything back within 30 days'),
  answered('When will I get my money back?', 'within five working days after the piece has reached us'),
  answered(
    'Can I give back something that was built to my own measurements?',
    'Not returnable: pieces made to measure',
    'Pieces made to measure cannot be returned',
  ),
  answered('My lamp came broken, what should I do?', 'send us two photographs within 14 days'),
  answered('For how many years are the joints guaranteed?', 'joints and frames for ten years'),
  answered('Until when can I still call off my purchase?', 'until they are handed to the carrier'),
  afterwards('Do you deliver parcels to Norway?', 'And how much is that?', '16.90 €'),
  afterwards(
    'I want to return a bench.',
    'Is there a charge for picking it up?',
    'collected by the carrier for 39 €',
  ),
]

const paying = [
  answered('Which credit cards do you take?', 'Visa, Mastercard, American Express'),
  answered('Can I pay by monthly instalments?', 'Instalments over 3, 6 or 12 months'),
  answered('When is my card debited?', 'Cards are charged when the parcel leaves'),
  answered('Is there a reduction for university students?', 'proof once a year'),
  answered('May I combine two coupon codes?', 'Only one code can be used'),
  answered('How long can a voucher be redeemed?', 'valid for three years'),
  answered('Do companies get a rebate on large orders?', '7 % discount from 2,000 €'),
  answered('Do firms from other EU countries pay VAT?', 'free of VAT (reverse charge)'),
  answered('Where do I find my bill later on?', 'stays in your account for ten years'),
  answered('What happens if my card is declined?', 'we try again after 24 hours'),
  answered('Are there late fees if I forget to pay an invoice?', 'after 35 days, costs 5 €'),
  afterwards('Do you have vouchers?', 'What is the smallest amount?', 'from 20 € to 500 €'),
]

const account = [
  answered('At what times can I phone you?', '9:00 to 18:00'),
  answered('Can I drop by your workshop?', 'can be visited on Fridays'),
  answered('How long must my password be?', 'at least 12 characters'),
  answered('Can I order without signing up?', 'An account is not needed to order'),
  answered('Can I get login codes by SMS?', 'We do not send codes by text message'),
  answered('How long do you keep chat logs?', '18 months'),
  answered('In which cities are your servers?', 'data centres in Frankfurt and Helsinki'),
  answered('How do I get a copy of my personal data?', 'download everything that we store about you'),
  answered('Who is responsible for data protection at your company?', 'Mareike Lund'),
  answered('Do you pay researchers who report a security hole?', 'between 50 € and 2,000 €'),
  answered('Do you set advertising cookies?', 'no advertising cookies'),
  afterwards('I forgot my password.', 'How long does the link work?', 'valid for 60 minutes'),
  afterwards('I would like to delete my account.', 'When does that take effect?', 'after 14 days'),
]

const unknown = [
  unanswered('Who founded the company?'),
  unanswered('How many people work for you?'),
  unanswered('Do you have a showroom in Munich?'),
  unanswered('Do you offer gift wrapping?'),
  unanswered('Can I pay with Bitcoin?'),
  unanswered('Do you have a loyalty programme with points?'),
  unanswered('Is there an app for my phone?'),
  unanswered('What was your turnover last year?'),
  unanswered('Do you train apprentices?'),
  unanswered('Can I bring my dog?'),
  unanswered('Do you sell mattresses?'),
  unanswered('Is there a car park near you?'),
  unanswered('Do you rent out chairs for weddings?'),
  unanswered('What is the capital of Mongolia?'),
  unanswered('Who won the football world cup in 1998?'),
  unanswered('Write me a poem about the sea.'),
  unanswered('What will the weather be like tomorrow?'),
  unanswered('Do you give courses in woodworking?'),
  unanswered('Can I buy shares in your company?'),
  unanswered('Is the lamp dimmable?'),
  unanswered('Which bulb does the lamp need?'),
  unanswered('Is the desk adjustable in height?'),
  unanswered('Do you make garden furniture?'),
  unanswered('What rating do you have on Trustpilot?'),
  unanswered('Can you engrave our logo?'),
  unanswered('Do you take my old sofa in part exchange?'),
  unanswered('Are your products vegan?'),
  unanswered('Is there a discount for pensioners?'),
  unanswered('Can I pay cash on delivery?'),
  unanswered('How do I connect my printer to the wireless network?'),
  { before: 'Tell me about the Keel desk.', asks: 'Can it be folded?' },
  { before: 'Do you deliver parcels to Norway?', asks: 'And what language do they speak there?' },
]

/** As people ask who try a shop's chat for the first time: about an article, but what they want to know is not what it is. */
const newcomers = [
  answered('How long do I have to return a lamp?', 'send anything back within 30 days'),
  answered("Can I return the lamp if I don't like it?", 'without giving a reason'),
  answered('Can I send the bench back?', 'send anything back within 30 days'),
  answered('how do i return a stool', 'Register the return', 'send anything back within 30 days'),
  answered('how do i reset my password', 'choose "Forgot password"'),
  answered('i cant remember my password', 'choose "Forgot password"'),
  answered('What is your phone number?', '+49 471 5550 142'),
  answered('Which number can I call?', '+49 471 5550 142'),
  answered('When will I get my refund?', 'within five working days after the piece has reached us'),
  answered('How is the refund for a desk paid?', 'The money goes back the way it came'),
  answered('Is the wood oil safe for children?', 'children may chew'),
  answered('Is the lamp safe for kids?', 'children may chew'),
  answered('Is the cutting board safe for food?', 'safe for food'),
  answered("What's the max weight for the bench?", 'the Pier bench 320 kg'),
  answered('max load dock stool', 'The Dock stool carries 150 kg'),
  answered(
    'Is there a warranty on the shelf?',
    'legal warranty of two years',
    'joints and frames for ten years',
  ),
  answered('Can I cancel my order for a desk?', 'until they are handed to the carrier'),
  answered('What does shipping a lamp to Norway cost?', '16.90 €'),
  answered('my bench arrived damaged', 'send us two photographs within 14 days'),
  answered(
    'Do you repair stools?',
    'Every piece may come back to the workshop',
    'Everything is made to be repaired',
  ),
  answered('Can I pay for the desk in instalments?', 'Instalments over 3, 6 or 12 months'),
  answered('How much is the lamp?', '98 €'),
  answered('How big is the desk?', '140 × 70 × 74 cm'),
  answered('Where is my parcel?', 'contains the tracking number', 'we start a search with the carrier'),
  unanswered('Is the lamp waterproof?'),
  unanswered('Is the desk fireproof?'),
  unanswered('How do I reset my phone?'),
  unanswered('What is your fax number?'),
  unanswered('Do you recycle old lamps?'),
  unanswered('Can I lease a desk?'),
  unanswered('Is the lamp battery powered?'),
  unanswered('Does the shelf have doors?'),
  unanswered('Can I get the desk in pink?'),
  unanswered('Is the bench stackable?'),
  unanswered('Can I try the desk at home with a rented van?'),
]

export const demoQuestions: readonly DemoQuestion[] = [
  ...proposed,
  ...products,
  ...delivery,
  ...paying,
  ...account,
  ...newcomers,
  ...unknown,
]
