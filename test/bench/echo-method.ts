/** The full name of the echo method, as HTTP/2 has it. */
export const ECHO_METHOD = '/stint.bench.Echo/Echo'

/** About as long as a request for a grant. */
export const ECHO_PAYLOAD = Buffer.alloc(400, 'e')
