/**
 * Words that many questions have and that say little of what they are about. That documents have none of them says little against an answer;
 * that they know nothing of "Bitcoin" says much.
 */
const faint = new Set(
  [
    'able absolutely policy policies conditions rules details according actually add advance ago allow almost already always amount another appear area around arrive away bad based basically before begin believe below best better between big bit bring call case certain chance change check choose clear close common complete consider contain cool correct cover covers current currently day days deal decide different difficult done due during early easily easy either end enough ever every everything exactly exist expect explain extra far few fine first follow forget forgot found full further general get getting give going gone good great group guess half hand happen happy hard head hear hello help hi hold home hope idea important include including instead interested interesting item items keep kind know large last late lately later least leave left less let level life little live look looking lot main maybe matter mention mind minute moment name near nearly necessary need never new next nice normal normally number often ok okay old once only open order ordered otherwise our over part particular people person piece place plan point possible prefer problem probably provide purpose question quick quickly quite rather reach read ready real reason receive recently remember rest right run same saw second seem seems seen select sense set several short show simple since single small solve somehow somebody someone soon sort sorry special specific stand start state stay still stop stuff suppose sure surely system talk task tell than thank thanks thing think third time times today together tomorrow tonight total touch toward true turn type understand until up usual usually various version wait way week weeks well whether while whole without wonder word work works world worry wrong yes yesterday yet young',
    'back down off out away along across through within without upon onto once yourself myself itself himself herself themselves ones hers ours theirs been having went gone gave took got made came',
    'maximum minimum max min biggest smallest largest lowest highest least one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen twenty thirty fifty hundred thousand morning noon afternoon evening night machine',
    'gern gerne eigentlich vielleicht gleich noch mal einfach ganz sehr eben doch genau ungefähr vraiment peut-être encore déjà toujours jamais quizás siempre nunca todavía',
  ].flatMap(words => words.split(' ')),
)

export const isFaint = (word: string): boolean => faint.has(word)
