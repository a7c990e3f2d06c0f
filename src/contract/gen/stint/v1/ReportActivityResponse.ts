// Original file: proto/stint/v1/broker.proto


/**
 * Response of ReportActivity.
 */
export interface ReportActivityResponse {
}

/**
 * Response of ReportActivity.
 */
export interface ReportActivityResponse__Output {
}
