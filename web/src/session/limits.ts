/**
 * The session's numbers: bounds on what the other side may send or hold, and times.
 * Sizes are bytes, times milliseconds.
 */

const KIB = 1024

/** One message on the control channel. Past it the session is closed (`too-large`). */
export const CONTROL_MESSAGE = 64 * KIB
/** Bytes queued on the control channel above which a writer waits. */
export const CONTROL_BUFFERED = 256 * KIB
/** One message on a bulk channel: at most, whatever the other side says it takes. */
export const BULK_MESSAGE_MAX = 256 * KIB
/** One message on a bulk channel: what every implementation takes. */
export const BULK_MESSAGE_MIN = 16 * KIB
/** What a bulk sender cuts by, where both sides take it: the fastest size measured. */
export const BULK_MESSAGE = 64 * KIB
/** Bytes queued on a bulk channel above which its sender waits: the fastest figure measured. */
export const BULK_BUFFERED = 256 * KIB
/** Bulk channels that the other side may have open at once. */
export const BULK_CHANNELS = 8
/** Bytes of a bulk channel's label. */
export const BULK_LABEL = 64
/** Sessions at once, wanted or accepted. Chrome allows a page 500 peer connections. */
export const SESSIONS = 256
/** Candidates kept for a session whose offer or answer is still on its way. */
export const EARLY_CANDIDATES = 64
/** Sessions, per peer, for which such candidates are kept. */
export const EARLY_SESSIONS = 4
/** Ended sessions, per peer, whose late envelopes are still recognised. */
export const ENDED_SESSIONS = 16

/** How long the polite peer, if it didn't see the other in a snapshot, waits for its offer. */
export const SILENCE = 1_500
/** The same for the impolite one: an offer that is on its way mostly arrives within this. */
export const HESITATION = 200
/** From the offer to its answer. Sending alone may take 3 s. */
export const ANSWER_WITHIN = 8_000
/** From the answer to an open control channel. */
export const OPEN_WITHIN = 15_000
/** For how long an offer that couldn't be taken at once is kept for when it can. */
export const OFFER_FRESH = 10_000
/** The first back-off after a session failed; it doubles. */
export const RETRY_FIRST = 500
/** The longest back-off. */
export const RETRY_MOST = 30_000
/** A session that stood this long was no failure: the back-off starts afresh. */
export const STOOD = 10_000
/** The back-off after the other side ended the session of its own will. */
export const RETRY_AFTER_BYE = 3_000
/** For how long a peer that broke the protocol gets no session. */
export const PENALTY = 60_000

/** The wait between two batches of candidates. The first leaves at once. */
export const CANDIDATE_BATCH = 50
/** From `disconnected` to an ICE restart; the polite peer waits twice as long. */
export const RESTART_AFTER = 2_000
/** From an ICE restart to giving the session up. */
export const RESTART_WITHIN = 12_000
/** A control channel that is silent for so long is pinged, and again after each such time. */
export const PING_EVERY = 4_000
/** Pings in a row without any answer after which the session is dead. */
export const PINGS_MISSED = 4
/** How long a session stays that nobody here wants any more and nothing passes through. */
export const LINGER = 30_000
