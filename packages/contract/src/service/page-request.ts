export interface PageRequest {
  /** `nextCursor` of the page before. */
  cursor?: string;
  /** Items a page, 1 to 1,000; 100 unless told. */
  limit?: number;
}

export interface DataLossOptions {
  /** Says yes to losing the writes made since the rollback point. False unless told. */
  acceptDataLoss?: boolean;
}
