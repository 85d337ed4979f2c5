/** What the command's user did wrong, or what cannot be read or written. */
export class Failure extends Error {}
