// @ts-check
/**
 * The shapes of the server's JSON, and of what the modules of the rating screen hand each other.
 *
 * @typedef {"acr" | "slider" | "pairwise" | "accept" | "pair_accept"} Protocol
 * @typedef {"single" | "left" | "right" | "lq" | "hq"} Side
 * @typedef {"flip" | "side" | "split" | "difference"} Mode
 *
 * @typedef {object} Study
 * @property {string} id no other study has it, also if it has the same name
 * @property {string} name
 * @property {Protocol} protocol
 * @property {string | null} question
 * @property {string[]} dimensions
 * @property {{low: number, high: number, labels: string[]} | null} [scale]
 * @property {string[]} reasons
 * @property {number} pause trials after which a break is offered
 * @property {number} dwell seconds; a faster answer is recorded as too fast
 * @property {number} training
 *
 * @typedef {object} Session
 * @property {string} csrf
 * @property {string} rater
 * @property {Study} study
 * @property {number} done
 * @property {number | null} total
 * @property {string} version
 *
 * @typedef {{side: Side, url: string, width: number, height: number}} TrialImage
 *
 * @typedef {object} Trial
 * @property {string} trial
 * @property {"single" | "left_right" | "lq_hq"} kind
 * @property {boolean} training
 * @property {number} number
 * @property {number | null} total
 * @property {TrialImage[]} images
 * @property {string | null} prompt
 *
 * @typedef {Trial & {ahead: Trial[]}} NextTrial
 * @typedef {{done: true, answered: number, why: string, minutes?: number}} AllDone
 * @typedef {{right: boolean | null, low: number | null, high: number | null, sentence: string}} Feedback
 * @typedef {number | string | Record<string, number>} Score
 *
 * @typedef {object} Vote the body of `POST /api/votes`
 * @property {string} id
 * @property {string} trial
 * @property {Score} score
 * @property {string[]} [reasons]
 * @property {string} [comment]
 * @property {number} t_shown seconds since 1970, by this device's clock
 * @property {number} t_answer
 * @property {number} dwell seconds, by the steady clock
 * @property {number} flips
 * @property {number} zoom_max screen pixels for each image pixel
 * @property {Mode} mode
 * @property {[number, number]} viewport
 * @property {number} dpr
 * @property {number} display_scale
 *
 * @typedef {{id: string, vote: string}} Undo the body of `POST /api/undo`
 * @typedef {{kind: "vote", body: Vote, order: number, tried: boolean}} KeptVote
 * @typedef {{kind: "undo", body: Undo, trial: string, order: number, tried: boolean}} KeptUndo
 * @typedef {KeptVote | KeptUndo} Kept something that waits to be sent
 *
 * @typedef {{side: Side, bitmap: ImageBitmap, fitted: ImageBitmap | null, width: number, height: number}} Pixels
 */
export {};
