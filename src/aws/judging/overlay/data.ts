import type { OverlayRow } from './row.ts'

/** Deletes, overwrites or copies data without saying so in its name. */
export const DATA_ROWS: readonly OverlayRow[] = [
  {
    actions: 'cassandra:Modify cassandra:ModifyMultiRegionResource dax:BatchWriteItem lakeformation:UpdateTableObjects',
    class: 'destructive',
    reason: 'one action for inserting and for deleting, as dynamodb:BatchWriteItem',
  },
  {
    actions: 'events:DeauthorizeConnection',
    class: 'destructive',
    reason: 'deletes the secrets of the connection',
  },
  {
    actions:
      'events:UpdateArchive imagebuilder:CreateLifecyclePolicy imagebuilder:UpdateLifecyclePolicy s3-outposts:PutLifecycleConfiguration s3express:PutLifecycleConfiguration s3tables:PutTableBucketMaintenanceConfiguration s3tables:PutTableMaintenanceConfiguration s3tables:PutTableRecordExpirationConfiguration aoss:CreateLifecyclePolicy aoss:UpdateLifecyclePolicy mediastore:PutLifecyclePolicy elasticbeanstalk:UpdateApplicationResourceLifecycle kinesisvideo:UpdateDataRetention workmail:PutRetentionPolicy chime:PutRetentionSettings chime:PutChannelExpirationSettings chime:PutAppInstanceRetentionSettings chime:PutAppInstanceUserExpirationSettings wickr:UpdateDataRetention redshift:ModifySnapshotCopyRetentionPeriod redshift:BatchModifyClusterSnapshots rds:ModifyDBSnapshot',
    class: 'destructive',
    outlives: 'the rule deletes on schedule',
    reason: 'a rule that expires everything is a slow delete',
  },
  {
    actions:
      'ec2:LockSnapshot ec2:ModifySnapshotTier rbin:LockRule s3-object-lambda:PutObjectRetention glacier:CompleteVaultLock',
    class: 'destructive',
    reason: 'cannot be undone before its time is over',
  },
  {
    actions:
      'ec2:UnlockSnapshot storagegateway:BypassGovernanceRetention elasticfilesystem:UpdateFileSystemProtection dsql:UpdateCluster',
    class: 'destructive',
    reason: 'takes away what makes a delete impossible or recoverable',
  },
  {
    actions:
      'fsx:RestoreVolumeFromSnapshot fsx:CopySnapshotAndUpdateVolume redshift-serverless:RestoreFromSnapshot redshift-serverless:RestoreFromRecoveryPoint redshift-serverless:RestoreTableFromSnapshot redshift-serverless:RestoreTableFromRecoveryPoint ds:RestoreFromSnapshot odb:RestoreAutonomousDatabase opsworks-cm:RestoreServer ssm-sap:RestoreDatabase workspaces:RestoreWorkspace workspaces:MigrateWorkspace',
    class: 'destructive',
    reason: 'restores over what is there',
  },
  {
    actions:
      'elasticache:ModifyReplicationGroupShardConfiguration elasticache:ModifyServerlessCache elasticache:ModifyGlobalReplicationGroup elasticache:RebalanceSlotsInGlobalReplicationGroup elasticfilesystem:PutBackupPolicy memorydb:UpdateCluster memorydb:UpdateMultiRegionCluster mq:UpdateBroker timestream-influxdb:UpdateDbInstance docdb-elastic:ApplyPendingMaintenanceAction dms:ApplyPendingMaintenanceAction odb:UpdateAutonomousDatabaseBackup',
    class: 'destructive',
    reason: 'interrupts or empties, or drops backups, as rds:ModifyDBInstance can',
  },
  {
    actions:
      'ses:PutAccountSendingAttributes ses:PutConfigurationSetSendingOptions ses:UpdateAccountSendingEnabled ses:UpdateConfigurationSetSendingEnabled',
    class: 'destructive',
    reason: 'stops mail for the whole account or set',
  },
  {
    actions:
      'appflow:CreateFlow appflow:UpdateFlow appflow:StartFlow cloudwatch:PutMetricStream dataexchange:StartJob datasync:CreateTask datasync:UpdateTask datasync:StartTaskExecution dms:CreateReplicationTask dms:StartReplicationTask dms:StartReplication dms:StartDataMigration ec2:CreateFlowLogs events:CreateConnection events:UpdateConnection firehose:CreateDeliveryStream neptune-graph:StartExportTask s3-outposts:PutReplicationConfiguration ses:CreateReceiptRule ses:UpdateReceiptRule sns:SetSubscriptionAttributes elasticache:CopySnapshot elasticache:ExportServerlessCacheSnapshot memorydb:CopySnapshot omics:StartReadSetExportJob appstream:CreateExportImageTask lookoutmetrics:CreateAlert iot:CreateTopicRuleDestination events:CreateApiDestination events:UpdateApiDestination lambda:PutFunctionEventInvokeConfig lambda:UpdateFunctionEventInvokeConfig logs:UpdateDeliveryConfiguration logs:CreateDelivery logs:PutDeliveryDestination mediaconnect:AddFlowOutputs securitylake:CreateSubscriber securitylake:CreateSubscriberNotification',
    flags: ['shares'],
    outlives: 'the data keeps flowing, the copy stays where it was put',
    reason: 'copies data to where other rules hold, also to another account or out of AWS',
  },
  {
    actions:
      'ec2:CopyImage ec2:CopySnapshot rds:CopyDBSnapshot rds:CopyDBClusterSnapshot dynamodb:CreateGlobalTable fsx:CopyBackup lightsail:CopySnapshot lightsail:ExportSnapshot docdb-elastic:CopyClusterSnapshot cloudhsm:CopyBackupToRegion redshift:EnableSnapshotCopy',
    outlives: 'the copy stays',
    reason:
      'a copy in this account, perhaps in another region; opening it to others is an action of its own, which is gated',
  },
]
