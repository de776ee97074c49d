"""Index of the domain's models; each lives in the folder of its noun."""

from trust.agreements.models import Agreement, AgreementSignature, Waiver
from trust.certificates.models import Certificate
from trust.consumers.models import Consumer, ConsumerToken, PullRecord
from trust.inventory.models import ExpirySweep, ExpiryTold, ServiceCertificate
from trust.keys.models import KeyChallenge, KeyComponent, OpenPgpKey
from trust.notices.feed.models import FeedReader
from trust.notices.models import DenyEntry, Notice, NoticeDraft
from trust.onboarding.models import (
    CustomItem,
    GoLive,
    IncidentMailbox,
    KitResult,
    NegativeRun,
    NegativeSample,
    OnboardingPlan,
    OnboardingTask,
    Review,
    ReviewAnswer,
    ReviewFinding,
    ReviewSignOff,
    TaskEvidence,
)
from trust.revocations.models import (
    Crl,
    RevocationGap,
    RevocationMention,
    RevocationReading,
    RevocationSource,
    SeenRevocation,
    StoreList,
)
from trust.stores.federation.models import SpiffeBinding
from trust.stores.merging.models import MergedExport
from trust.stores.models import Artifact, ServeGeneration, StoreDraft, StoreEntry, StoreVersion, TrustStore
from trust.stores.tuf.models import TufMetadata, TufRepository, TufRootKeys, TufTarget
from trust.submissions.models import (
    CrlNumber,
    IntakeKey,
    RefusedKey,
    Submission,
    SubmissionCertificate,
    SubmissionFinding,
)
from trust.verifications.models import (
    MismatchStatement,
    Verification,
    VerificationGroup,
    VerificationRecord,
    VerificationRequest,
    VerificationSignature,
    VerificationSource,
)

__all__ = [
    "Agreement",
    "AgreementSignature",
    "Artifact",
    "Certificate",
    "Consumer",
    "ConsumerToken",
    "Crl",
    "CrlNumber",
    "CustomItem",
    "DenyEntry",
    "ExpirySweep",
    "ExpiryTold",
    "FeedReader",
    "GoLive",
    "IncidentMailbox",
    "IntakeKey",
    "KeyChallenge",
    "KeyComponent",
    "KitResult",
    "MergedExport",
    "MismatchStatement",
    "NegativeRun",
    "NegativeSample",
    "Notice",
    "NoticeDraft",
    "OnboardingPlan",
    "OnboardingTask",
    "OpenPgpKey",
    "PullRecord",
    "RefusedKey",
    "Review",
    "ReviewAnswer",
    "ReviewFinding",
    "ReviewSignOff",
    "RevocationGap",
    "RevocationMention",
    "RevocationReading",
    "RevocationSource",
    "SeenRevocation",
    "ServeGeneration",
    "ServiceCertificate",
    "SpiffeBinding",
    "StoreDraft",
    "StoreEntry",
    "StoreList",
    "StoreVersion",
    "Submission",
    "SubmissionCertificate",
    "SubmissionFinding",
    "TaskEvidence",
    "TrustStore",
    "TufMetadata",
    "TufRepository",
    "TufRootKeys",
    "TufTarget",
    "Verification",
    "VerificationGroup",
    "VerificationRecord",
    "VerificationRequest",
    "VerificationSignature",
    "VerificationSource",
    "Waiver",
]
