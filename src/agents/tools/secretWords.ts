/** A server may send back what it was sent; the model must not learn it, or it could say it. */
export function withoutSecretWords(text: string, secrets: readonly string[]): string {
  const words = secrets.flatMap(secret => [secret, ...secret.split(/[\s,;=]+/)])
  return words
    .filter(word => word.length >= 6)
    .sort((one, other) => other.length - one.length)
    .reduce((left, word) => left.replaceAll(word, '[secret]'), text)
}
