import { remembered } from './remembered.ts'
import { stemOf } from './words.ts'

/**
 * Words of a line mean about the same to somebody who asks; a word may stand in several. After `|` stand those of German, French and Spanish,
 * for questions in another language than the documents. Words that mean something else in another of these languages are left out.
 */
const groups = [
  // Anything
  'combine combined addition accumulate together | kombinieren combiner cumuler combinar',
  'cut chop chopping cutting | schneiden couper cortar',
  // Buying
  'buy bought purchase order ordered | kaufen bestellen bestellung kauf acheter achat commander commande comprar compra pedido pedir',
  'cost price charge rate amount expensive cheap | kosten kostet preis preise gebühr teuer prix tarif coûte coûter coût precio precios cuesta costar coste tarifa',
  'fee charge cost surcharge | gebühr gebühren zuschlag frais cargo recargo',
  'pay paid payment charge debit settle settled owe due cover covers covered | bezahlen bezahlt zahlen zahlt zahlung kosten trägt übernehmen übernimmt payer paiement régler pagar pago',
  'card mastercard visa | kreditkarte carte tarjeta',
  'bank transfer sepa | überweisung virement transferencia',
  'free complimentary gratis nothing | kostenlos kostenfrei umsonst gratuit gratuite gratuitement gratuito',
  'discount reduction rebate reduced deal percent | rabatt ermäßigung nachlass remise réduction descuento rebaja',
  'coupon code promo voucher | gutschein gutscheincode bon cupón vale',
  'voucher giftcard gift | gutschein geschenkgutschein regalo',
  'valid redeem redeemed expire expiry expires | gültig einlösen valable válido caducar',
  'invoice bill receipt billing | rechnung facture factura recibo',
  'instalment installment instalments | raten ratenzahlung mensualités versements plazos cuotas',
  'upfront advance deposit downpayment | anzahlung vorauszahlung acompte anticipo',
  'tax vat duty | mehrwertsteuer steuer umsatzsteuer tva impuesto iva',
  'customs duty duties tariff | zoll zölle douane aduana aduanas',
  'refund reimburse reimbursement money | erstattung rückerstattung geld remboursement rembourser reembolso dinero',
  'currency euro euros dollar dollars francs pounds kroner | währung devise moneda divisa',
  'interest percent apr | zinsen intérêts intereses',
  'sample swatch | muster stoffprobe échantillon échantillons muestra muestras',
  'stock available availability instock | vorrätig lieferbar verfügbar disponible stock existencias',
  'company business firm enterprise corporate office | firma unternehmen geschäftskunden entreprise société empresa negocio',
  'customer client buyer | kunde kunden client clients cliente clientes',
  'shop store webshop | laden geschäft boutique magasin tienda',
  'range product products goods item items article piece merchandise | produkt produkte artikel ware waren sortiment produit produits articles producto productos artículo artículos',
  // Delivery and returns
  'ship shipping shipment shipped deliver delivered delivery send sent dispatch dispatched postage | versand lieferung lieferzeit liefern liefert zustellung verschicken versenden schicken livraison livrer livrez expédier expédition envoi envío enviar entrega envían',
  'postage shipping freight | porto versandkosten',
  'parcel package packet | paket pakete päckchen colis paquete paquetes',
  'packaging carton cardboard box boxes | verpackung karton kartons emballage embalaje caja',
  'carrier courier haulier forwarder | spediteur spedition transporteur transportista',
  'tracking track trace | sendungsverfolgung verfolgen suivi suivre seguimiento rastrear',
  'lost missing vanished disappeared search | verloren verschwunden perdu perdido',
  'late delay delayed overdue unpaid | verspätet verspätung retard retraso',
  'express fast quick quickly urgent | eilig schnell rapide urgent rápido urgente',
  'return returned returns returnable | rückgabe rücksendung retoure zurückgeben zurücksenden zurückschicken umtausch retour retourner renvoyer devolver devolución devoluciones',
  'exchange replacement replace swap | umtauschen ersatz échange échanger remplacer cambiar reemplazo',
  'collect collected pickup fetch fetched | abholen abholung chercher enlèvement recoger recogida',
  'broken broke defective damaged damage faulty defect fault | kaputt defekt beschädigt schaden cassé endommagé défectueux roto dañado defectuoso',
  'guarantee guaranteed warranty | garantie gewährleistung garantía',
  'repair fix fixed mend mended | reparieren reparatur réparer réparation reparar reparación',
  'refuse refused reject rejected decline declined fail fails failed | abgelehnt refusé rechazado',
  'cancel cancelled cancellation terminate termination revoke withdraw | kündigen kündigung stornieren stornierung widerruf widerrufen annuler annulation résilier cancelar cancelación',
  'elevator lift stairs upstairs floor storey | aufzug fahrstuhl treppe etage stockwerk ascenseur escalier étage ascensor escalera piso',
  'country countries abroad international overseas | land länder ausland pays étranger país países extranjero',
  'germany german | deutschland deutsche allemagne alemania',
  'austria austrian | österreich autriche',
  'switzerland swiss | schweiz suisse suiza',
  'france french | frankreich francia',
  'spain spanish | spanien espagne españa',
  'norway norwegian | norwegen norvège noruega',
  'denmark danish | dänemark danemark dinamarca',
  'kingdom britain british england scotland wales uk | großbritannien angleterre royaume inglaterra',
  'america american usa states | amerika vereinigte amérique états américa unidos',
  'europe european eu union | europa europäische européenne europea',
  // Things
  'wood timber wooden | holz holzart bois madera',
  'furniture table chair bench desk shelf stool | möbel tisch stuhl meubles mueble muebles',
  'table desk | tisch schreibtisch bureau mesa escritorio',
  'chair stool seat | stuhl hocker chaise tabouret silla taburete',
  'shelf shelves bookcase shelving | regal regale étagère estante estantería',
  'lamp light lantern | lampe leuchte lámpara',
  'bench | banc sitzbank',
  'finish surface surfaces coating coat varnish lacquer | oberfläche lackierung finition acabado',
  'colour color stain paint painted dye | farbe farben couleur couleurs color colores',
  'clean wash wipe cleaning | reinigen putzen säubern nettoyer nettoyage limpiar limpieza',
  'dishwasher dishwashing | spülmaschine geschirrspüler lavavajillas',
  'heater heating radiator radiators | heizung heizkörper chauffage radiateur calefacción radiador',
  'safe harmless nontoxic | ungefährlich unbedenklich sûr seguro',
  'food eat eating kitchen | lebensmittel essen aliments comida',
  'sustainable sustainably sustainability ecological certified eco environment fsc | nachhaltig nachhaltigkeit durable écologique sostenible ecológico',
  'tropical rainforest | regenwald tropenholz',
  'forest forests tree trees plant planted planting | wald wälder baum bäume forêt arbres bosque árboles',
  'origin source sourced come comes supplier | herkunft stammt provenance vient origen proviene',
  'custom bespoke measure tailored | maßanfertigung maß mesure medida',
  'size dimension dimensions measurement measurements | größe abmessungen maße taille dimensions tamaño dimensiones medidas',
  'height tall high | höhe hoch hauteur haut alto altura',
  'width wide wider broad | breite breit largeur ancho anchura',
  'depth deep | tiefe tief profondeur profundidad',
  'length | länge longueur longitud largo',
  'weight weigh heavy kilogram kg | gewicht wiegt schwer poids pèse lourd peso pesa pesado',
  'load carry carries bear hold holds capacity withstand | belastbar tragkraft trägt charge supporte carga soporta aguanta',
  'minimum min smallest lowest least | mindestens kleinste mindestbetrag minimum mínimo',
  'maximum max largest biggest highest limit | maximal höchstens größte maximum máximo límite',
  'assemble assembly mount install installation | aufbau montage montieren monter montaje montar',
  'scratch scratches scratched | kratzer rayure rayures arañazo arañazos',
  'workshop factory atelier | werkstatt taller',
  'visit drop showroom tour | besuchen besichtigen visiter visite visitar visita',
  'address location located site place city cities town | adresse standort ort stadt ville lieu dirección ciudad lugar',
  'photo photograph photographs picture image screenshot | foto fotos bild photo photos imagen',
  'child children kid kids toddler baby | kind kinder enfant enfants niño niños',
  // Time
  'open opening opened close closing staffed | öffnungszeiten geöffnet öffnen offen geschlossen horaires heures ouvert ouverture fermé horario horarios abierto abren cerrado',
  'time times hour hours | uhrzeit heure hora horas',
  'day days daily | tage tagen täglich jour jours día días',
  'week weeks weekly | wochen woche semaine semaines semana semanas',
  'month months monthly | monat monate monaten mois mes meses',
  'year years yearly annual annually | jahr jahre jahren année années ans año años',
  'morning noon afternoon evening midday | morgens vormittag nachmittag mittag matin midi soir mañana tarde mediodía',
  'weekend saturday sunday | wochenende samstag sonntag samedi dimanche fin sábado domingo',
  'monday | montag lundi lunes',
  'friday fridays | freitag freitags vendredi viernes',
  'holiday vacation leave | urlaub ferien feiertag vacances congé vacaciones',
  'duration lasts | dauer dauert durée dure duración dura tarda',
  'deadline until within period term | frist bis délai plazo',
  'begin start commence starts | beginnen anfangen beginn commencer début empezar comenzar inicio',
  'end finish expire stop | ende enden fin terminer terminar',
  // Account and data
  'account profile signup register registration registered | konto kundenkonto benutzerkonto registrieren anmelden compte inscription inscrire cuenta registro registrarse',
  'login signin sign | anmelden anmeldung einloggen connexion connecter iniciar sesión',
  'password passphrase | passwort kennwort passe contraseña clave',
  'forgot forgotten reset recover | vergessen zurücksetzen oublié réinitialiser olvidado olvidé restablecer',
  'security secure safety | sicherheit sicher sécurité seguridad',
  'hole vulnerability exploit security bug | sicherheitslücke faille vulnerabilidad',
  'code codes otp 2fa authenticator | code codes código códigos',
  'sms texting text message | nachricht message mensaje',
  'email mail mails | mail mails courriel correo',
  'phone telephone call calls | telefon telefonnummer anrufen téléphone appeler teléfono llamar',
  'contact reach touch | kontakt erreichen kontaktieren contacter joindre contactar contacto',
  'help support assistance assist | hilfe helfen support aide ayuda soporte',
  'data information details | daten données datos información',
  'personal private privacy gdpr | datenschutz persönlich dsgvo privé rgpd privacidad personales',
  'officer responsible person charge | verantwortlich beauftragte responsable',
  'delete deleted deleting remove erase disappear disappears vanish | löschen gelöscht löschung supprimer suppression effacer borrar eliminar',
  'copy download export | kopie herunterladen télécharger copie descargar copia',
  'keep kept retain store stored save saved | speichern gespeichert aufbewahren conserver conservé enregistrer guardar guardan almacenar',
  'chat conversation conversations chats | unterhaltung chatverlauf conversación conversaciones',
  'log logs history record records | protokoll verlauf historique historial registros',
  'server servers hosting datacentre centres hosted host | serveur serveurs servidor servidores rechenzentrum',
  'cookie cookies tracker | cookies',
  'advertising advertisement marketing ads | werbung publicité publicidad',
  'newsletter subscription mailing | boletín',
  'unsubscribe optout | abmelden abbestellen désabonner baja',
  'change changed changing modify edit update correct alter | ändern änderung bearbeiten modifier changer changement cambiar cambio modificar',
  'researcher researchers hacker bounty reports | forscher chercheur investigador',
  'report notify tell told inform announce | melden informieren signaler informer avisar informar',
  'authority regulator commissioner | behörde autorité autoridad',
  'encrypt encrypted encryption | verschlüsselt verschlüsselung chiffré cifrado',
  // People, work, learning
  'employee staff worker colleague team | mitarbeiter angestellte personal employé personnel empleado',
  'student university college trainee pupil apprentice | student studenten studierende azubi schüler étudiant étudiante étudiants estudiante estudiantes',
  'allow allowed permit permitted may | erlaubt dürfen darf autorisé permis permitido',
  'founded founder established | gegründet gründer fondé fondateur fundada fundador',
  'salary wage wages earnings | gehalt lohn salaire salario sueldo',
  'course lesson class training | kurs kurse unterricht cours formation curso cursos',
  'certificate diploma | zertifikat certificat certificado',
  'appointment booking reservation reserve reserves book | termin buchung reservieren réservation réserver cita reserva reservar',
  'plan tier subscription package | tarif abo abonnement suscripción',
  'trial demo test | testphase probe essai prueba',
  'error problem issue trouble wrong fault | fehler problem problème erreur problema',
  'internet online offline connection network web | verbindung netz connexion conexión',
  'people participants attendees guests members | teilnehmer mitglieder participants participantes',
  'language languages translate | sprache sprachen langue langues idioma idiomas',
  'meeting conference call | besprechung réunion reunión',
  'car vehicle parking park | auto parkplatz voiture parking coche aparcamiento',
  'insurance insured cover covers covered | versicherung versichert assurance seguro',
  'water wet damp | wasser nass eau agua',
] as const

const concepts = new Map<string, readonly string[]>()
for (const [number, line] of groups.entries())
  for (const word of line.split(' ').filter(part => part !== '|'))
    for (const form of new Set([word, stemOf(word)])) {
      const before = concepts.get(form) ?? []
      if (!before.includes(`concept ${number}`)) concepts.set(form, [...before, `concept ${number}`])
    }

const unknown: readonly string[] = []
/** The end of a compound is read no shorter than this, its beginning neither. */
const shortestPart = 7

/** What a stem means, where that is known. Of a compound its beginning counts. */
export const conceptsOf: (stem: string) => readonly string[] = remembered(stem => {
  for (let end = stem.length; end >= Math.min(shortestPart, stem.length); end--) {
    const found = concepts.get(stem.slice(0, end))
    if (found) return found
  }
  return unknown
})

/** Compounds and forms that the endings do not cover: whether the shorter is most of the beginning of the longer, or a long part of it. */
function related(one: string, other: string): boolean {
  const short = one.length < other.length ? one : other
  const long = short === one ? other : one
  if (short.length < 5) return false
  let shared = 0
  while (shared < short.length && short[shared] === long[shared]) shared++
  // "Refund" and "refuse" share four letters and nothing else, as do "lease" and "least".
  return shared >= Math.max(5, 0.75 * short.length)
    ? shared >= 0.6 * long.length || shared === short.length
    : short.length >= 6 && long.includes(short)
}

/** How much another stem says the same at the most. */
export const mostAlike = 0.8

/** For one stem: how much another says the same, from 0 to 1. */
export function likenessTo(stem: string): (other: string) => number {
  const meant = conceptsOf(stem)
  return other => {
    if (other === stem) return 1
    if (related(stem, other)) return mostAlike
    return meant.length > 0 && conceptsOf(other).some(concept => meant.includes(concept)) ? 0.75 : 0
  }
}

/** Verbs in two parts, whose parts alone say something else. */
const phrases: readonly (readonly [RegExp, string])[] = [
  [
    /\b(?:(?:pay|pays|paid|paying|costs?|charge) nothing|(?:no|without) (?:extra )?(?:charge|cost|payment))\b/giu,
    'free',
  ],
  [/\bcall(?:ed|ing)? (?:it |this |that )?off\b/giu, 'cancel'],
  [/\b(?:call|drop|stop|come) (?:you )?(?:by|round|in)\b/giu, 'visit'],
  [/\b(?:send|give|bring|ship|hand)(?:ing)?\b(?= (?:\S+ ){0,4}?back\b)/giu, 'return'],
  [/\b(?:sent|gave|brought)\b(?= (?:\S+ ){0,4}?back\b)/giu, 'returned'],
  [/\b(?:get|getting|got) (?:\S+ ){0,2}money back\b/giu, 'refund'],
  [/\bmoney back\b/giu, 'refund'],
  [/\b(?:pick|picked|picking)(?: it| them| \S+ \S+)? up\b/giu, 'collect'],
  [/\btak(?:e|es|ing)\b(?= (?:\S+ ){0,3}?(?:away|back)\b)/giu, 'collect'],
  [/\b(?:can(?:not|['’]?t)|do(?: not|n['’]?t)) remember\b/giu, 'forgot'],
  [/\b(?:get|getting|got) rid of\b/giu, 'remove'],
  [/\b(?:sign|signing|signed) ?up\b/giu, 'register'],
  [/\b(?:log|logging|logged|sign|signing|signed) ?in\b/giu, 'login'],
  [/\bhow (?:heavy|much weight)\b/giu, 'weight'],
  [/\btext messages?\b/giu, 'sms'],
  [/\b(?:phone|telephone) number\b|\bnumber (?:\S+ ){0,3}(?:call|dial|ring)\b/giu, 'telephone'],
  [/\bmax(?:imum)?\.? weight\b|\bweight (?:limit|capacity)\b/giu, 'maximum load'],
  [/\bwhere(?:['’]s| is| are) my (?=parcel|order|package|packet|delivery)/giu, 'tracking '],
  [/\b(?:made|built|cut) to (?:\S+ )?(?:own )?(?:measure|size)(?:ments?)?\b/giu, 'made to measure'],
]

/** Most sentences have none, and to look for each of them costs more than for any. */
const anyPhrase = new RegExp(phrases.map(([{ source }]) => source).join('|'), 'iu')

/** A text with its verbs in two parts as one word each. */
export const inSingleWords = (text: string): string =>
  anyPhrase.test(text) ? phrases.reduce((all, [phrase, word]) => all.replace(phrase, word), text) : text
