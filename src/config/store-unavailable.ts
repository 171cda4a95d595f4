// What is said to someone who asks for shared state. It never repeats the URL: there may be a password in it.

export const storeUnavailable = 'state shared through a store is not available yet, expected memory'
