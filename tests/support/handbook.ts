/** The help pages of a shop, and what people ask it. */
export const handbook = [
  {
    title: 'Shipping and returns',
    text: `# Shipping and returns

## Delivery

We deliver to all countries of the European Union and to Norway. Parcels leave our warehouse in Hamburg on the day of the order when it is placed before two in the afternoon. Standard delivery costs 4.95 euros and takes two to three working days; orders above 60 euros are sent free of charge. Express delivery costs 12.90 euros and arrives on the next working day. Furniture comes by a carrier who agrees on a date with you by phone.

## Returns

Unused items can be returned within 30 days of delivery. Print the label in your account under Orders, and take the parcel to any post office. Refunds are paid to the original payment method within five working days after the parcel has reached us. Sale items and cut fabric cannot be returned.

## Damaged parcels

Please refuse a parcel that is visibly damaged. If you find damage after unpacking, send us two photographs within a week; we replace the item at no charge.`,
  },
  {
    title: 'Accounts and payment',
    text: `# Accounts and payment

## Ways to pay

We accept credit cards, PayPal, bank transfer and, for customers who have ordered before, payment by invoice within 14 days. Gift vouchers can be combined with any other way to pay. Cards are charged when the parcel leaves the warehouse.

## Password

Choose "Forgot password" on the sign-in page to get a link for a new one; the link works for one hour. Passwords have at least ten characters. A second factor by an authenticator app can be switched on under Settings, Security.

## Deleting an account

An account can be deleted under Settings, Privacy. Invoices are kept for ten years because the law demands it; everything else is erased within 30 days.`,
  },
  {
    title: 'Oak furniture: care and warranty',
    text: `# Oak furniture

## Care

Our tables are made of solid oak with an oil finish. Wipe them with a damp cloth and oil them twice a year. Never use cleaners with ammonia. Hot pots leave white rings, which vanish when the place is warmed with an iron over a cloth.

## Warranty

The warranty covers defects of material and workmanship for five years. It does not cover scratches, stains and what comes from moisture. Keep the invoice: we need its number. Spare parts such as hinges and screws are sent for free during the warranty.

## Sizes

The table Fjord is 180 centimetres long, 90 wide and 75 high; it weighs 48 kilograms. The bench Sund seats three adults.`,
  },
] as const

/** A question, and a piece of the text that answers it. */
export const answerable: readonly (readonly [question: string, answer: string])[] = [
  ['How much does standard delivery cost?', '4.95 euros'],
  ['What is the shipping fee?', '4.95 euros'],
  ['How long can I return unused items?', 'within 30 days of delivery'],
  ['When do I get my refund?', 'Refunds are paid'],
  ['Can I pay by invoice?', 'payment by invoice'],
  ['I forgot my password', 'Forgot password'],
  ['How do I delete my account?', 'Settings, Privacy'],
  ['What does the warranty cover?', 'defects of material'],
  ['How long is the table Fjord?', '180 centimetres'],
  ['How should I care for an oak table?', 'damp cloth'],
  ['My parcel arrived damaged', 'two photographs'],
  ['Do you deliver to Norway?', 'Norway'],
]

export const unanswerable: readonly string[] = [
  'What is the capital of Mongolia?',
  'Who won the football championship?',
  'How do I bake sourdough bread?',
  'Tell me a joke about elephants',
  'Which airline flies to Lisbon?',
  'Explain quantum entanglement',
  'Wie wird das Wetter morgen?',
  'asdf qwertz',
]
