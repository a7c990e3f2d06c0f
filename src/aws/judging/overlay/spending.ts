import type { OverlayRow } from './row.ts'

/** Commits money or accepts a contract, under a name without the word purchase. Nobody can undo it. */
export const SPENDING_ROWS: readonly OverlayRow[] = [
  {
    actions:
      'aws-marketplace:Subscribe aws-marketplace:AcceptAgreementRequest aws-marketplace:AcceptAgreementPaymentRequest aws-marketplace:AcceptAgreementApprovalRequest aws-marketplace:AcceptAgreementCancellationRequest aws-marketplace:CreateAgreementRequest bedrock:CreateFoundationModelAgreement devicefarm:RenewOffering ec2:AcceptReservedInstancesExchangeQuote redshift:AcceptReservedNodeExchange eks:CreateEksAnywhereSubscription eks:UpdateEksAnywhereSubscription elemental-appliances-software:CreateOrderV1 elemental-appliances-software:SubmitOrderV1 outposts:CreateOrder outposts:CreateRenewal pricingplanmanager:ApprovePaidSubscription pricingplanmanager:CreateSubscription pricingplanmanager:UpdateSubscription redshift-serverless:CreateReservation route53domains:RegisterDomain route53domains:RenewDomain sagemaker:CreateTrainingPlan sagemaker:ExtendTrainingPlan sagemaker:CreateReservedCapacity savingsplans:CreateSavingsPlan cloudfront:CreateSavingsPlan cloudfront:UpdateSavingsPlan shield:CreateSubscription shield:UpdateSubscription snowball:CreateJob snowball:CreateCluster license-manager-user-subscriptions:StartProductSubscription bedrock:CreateProvisionedModelThroughput bedrock-mantle:CreateReservation supportplans:CreateSupportPlanSchedule supportplans:StartSupportPlanUpdate supportplans:AcceptSupportAgreement supportplans:CreateSupportAgreement freetier:UpgradeAccountPlan payments:MakePayment iq:ApprovePaymentRequest mechanicalturk:SendBonus bedrock-agentcore:ProcessPayment artifact:AcceptAgreement artifact:AcceptNdaForAgreement quicksight:CreateAccountSubscription quicksight:Subscribe security-ir:CreateMembership',
    class: 'destructive',
    reason: 'commits money or accepts a contract, and cannot be undone',
  },
  {
    actions:
      'aws-portal:ModifyPaymentMethods payments:CreatePaymentInstrument payments:UpdatePaymentInstrument payments:UpdatePaymentPreferences',
    class: 'destructive',
    reason: 'decides who pays, and with what',
  },
]
