import type { OverlayRow } from './row.ts'

/** Makes a detector look away or a log say less, in services that no rule covers as a whole. */
export const DETECTION_ROWS: readonly OverlayRow[] = [
  {
    actions:
      'cloudwatch:PutAlarmMuteRule cloudwatch:PutCompositeAlarm cloudwatch:PutLogAlarm securityhub:CreateAutomationRuleV2 securityhub:CreateConfigurationPolicy guardduty:CreateThreatIntelSet macie2:CreateAllowList iot:CreateAuditSuppression iot:UpdateAuditSuppression iot:UpdateAccountAuditConfiguration iot:UpdateScheduledAudit iot:UpdateSecurityProfile iotevents:BatchSnoozeAlarm network-security-director:UpdateFinding ec2:EnableApplicationStatusCheckSuppression route53:CreateQueryLoggingConfig observabilityadmin:UpdateTelemetryRule observabilityadmin:UpdateTelemetryRuleForOrganization observabilityadmin:UpdateCentralizationRuleForOrganization observabilityadmin:StopTelemetryEvaluation observabilityadmin:StopTelemetryEvaluationForOrganization securitylake:UpdateDataLake securitylake:DeleteDataLake securitylake:DeleteAwsLogSource securitylake:DeleteCustomLogSource auditmanager:UpdateSettings auditmanager:DeregisterAccount',
    class: 'destructive',
    flags: ['audit'],
    reason: 'mutes, suppresses or narrows what would notice an attack',
  },
  {
    actions:
      'logs:DeleteDataProtectionPolicy logs:PutLogGroupDeletionProtection logs:DeleteDelivery logs:DeleteDeliverySource logs:DeleteDeliveryDestination logs:UpdateLogDelivery logs:DeleteLogDelivery logs:UpdateLogAnomalyDetector logs:UpdateAnomaly cloudwatch:DeleteMetricStream cloudwatch:StopMetricStreams waf:DeleteLoggingConfiguration waf-regional:DeleteLoggingConfiguration cloudtrail:CreateTrail cloudtrail:EnableFederation ec2:DeleteFlowLogs route53:DeleteQueryLoggingConfig vpc-lattice:DeleteAccessLogSubscription vpc-lattice:UpdateAccessLogSubscription aps:UpdateLoggingConfiguration aps:DeleteLoggingConfiguration worklink:UpdateAuditStreamConfiguration cognito-idp:SetLogDeliveryConfiguration ec2:ModifyVerifiedAccessInstanceLoggingConfiguration',
    flags: ['audit'],
    reason: 'ends or changes a stream of logs or metrics, or what protects one',
  },
  {
    actions: 'config:PutRemediationExceptions config:PutEvaluations config:PutExternalEvaluation',
    class: 'destructive',
    flags: ['audit'],
    reason: 'calls a resource compliant that is not',
  },
]
