/** PARLEY_SECRET of every program under test. */
export const testSecret = 'a secret for tests, long enough to sign with'
