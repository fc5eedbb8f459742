import { afterwards, answered, type DemoQuestion, unanswered } from './questions.ts'

/**
 * Questions that the built-in answerer was never tuned on: written before it was, and looked at only as figures. Whoever tunes it uses
 * questions.ts, and adds here nothing that has been seen to work.
 */
export const heldOutQuestions: readonly DemoQuestion[] = [
  answered('what does the lantern lamp cost', '98 €'),
  answered('Which wood is the cutting board made from?', 'walnut'),
  answered('How heavy is the Tide shelf?', '22 kg'),
  answered('Do I get drawers with the Keel desk?', 'comes with two drawers'),
  answered('Where do your oak trees grow?', 'two forests in Lower Saxony'),
  answered('Could I have the piece without any oil on it?', 'leave the wood untreated'),
  answered('Can I get a stool in black?', 'A black stain is available for oak only'),
  answered('how do i clean the table', 'Wipe with a damp cloth'),
  answered(
    'My bench has wobbled for 8 years, is fixing it free?',
    'The first repair within ten years is free',
  ),
  answered('delivery time furniture austria', '7–10 working days'),
  answered('What do I pay for a parcel to England?', '18.90 €'),
  answered('How much is it to bring the desk to my flat in Hamburg?', '59 € within Germany'),
  answered(
    'I ordered a week ago and the tracking does not move any more',
    'we start a search with the carrier',
  ),
  answered('Who pays for the label when I return something from France?', 'the label costs 9.90 €'),
  answered(
    'Can I return an item that I have already used?',
    'unused and in its packaging, without giving a reason',
  ),
  answered(
    'Does the guarantee cover damage by water?',
    'water damage and changes by sunlight are not covered',
  ),
  answered('I want to cancel my made to measure shelf, how long can I?', 'cancelled within 48 hours'),
  answered('Is PayPal ok?', 'PayPal'),
  answered('Do your prices contain VAT?', 'include German VAT of 19 %'),
  answered('I am a trainee. Do you have something for me?', '12 %'),
  answered('Can I exchange my gift voucher for money?', 'paid out in cash'),
  answered('How many wood samples can my architect office order?', 'up to five, free of charge'),
  answered(
    'The address on my invoice is wrong. Can you correct it?',
    'can be changed until the end of the month',
  ),
  answered('Are you available on Saturday mornings?', 'on Saturday from 10:00 to 14:00'),
  answered('What happens when I type the wrong password too often?', 'locked for 15 minutes'),
  answered('Is my credit card number saved with you?', 'Card numbers never reach our systems'),
  answered('Will you tell me if my data has been hacked?', 'told to you by mail within 72 hours'),
  afterwards('I bought a cutting board.', 'How often should I oil it?', 'oil them every two months'),
  afterwards('Do you deliver to Denmark?', 'How long does a parcel take?', '2–3 working days'),

  unanswered('Do you have a kitchen table for eight people?'),
  unanswered('What colours does the linen shade come in?'),
  unanswered('Can I pick up my order on a Sunday?'),
  unanswered('Do you sell replacement drawers?'),
  unanswered('Who is your managing director?'),
  unanswered('Are there any job openings?'),
  unanswered('Do you ship by bicycle courier?'),
  unanswered('Is there a Black Friday sale?'),
  unanswered('Does the desk come with an electric socket?'),
  unanswered('What is the square root of 144?'),
  unanswered('Can you recommend a restaurant in Bremerhaven?'),
  unanswered('Do you make beds for children?'),
  unanswered('Can I pay with American dollars in cash?'),
  unanswered('How do I install Windows on my laptop?'),
  { before: 'Tell me about the Dock stool.', asks: 'Can it be stacked?' },
]

/** Over documents in another language: to find the passage is better, to say that nothing was found is honest. */
export const foreignQuestions: readonly DemoQuestion[] = [
  answered('Was kostet der Versand nach Norwegen?', '16.90 €'),
  answered('Wie lange habe ich Zeit, etwas zurückzuschicken?', 'send anything back within 30 days'),
  answered('Kann ich auf Rechnung bezahlen?', 'Invoice with 14 days to pay'),
  answered('Wie sind Ihre Öffnungszeiten?', '9:00 to 18:00'),
  answered('Livrez-vous en Suisse ?', '4–6 working days'),
  answered('Quelles cartes de crédit acceptez-vous ?', 'Visa, Mastercard, American Express'),
  answered('¿Cuánto cuesta el envío a Alemania?', '4.90 €'),
  answered('¿Cuánto dura la garantía?', 'joints and frames for ten years'),
  unanswered('Haben Sie Gartenmöbel?'),
  unanswered('Kann ich mit Bitcoin bezahlen?'),
  unanswered('Vendez-vous des matelas ?'),
  unanswered('¿Tienen una tienda en Madrid?'),
]
