// PGlite has one database and one user, and the user is superuser.
export const USER = 'postgres'
export const DATABASE = 'postgres'
