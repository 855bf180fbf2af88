/** A control-plane process that was not seen for so long is dead, and others take its work over. */
export const EXECUTOR_SILENCE_SECONDS = 15;
