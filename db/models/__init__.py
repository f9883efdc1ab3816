"""Tables, one file per domain. Importing this package completes `Base.metadata`."""

import importlib
import pkgutil

from db.models.account import AuthAccount, OneTimeCode, SignInLimit
from db.models.ai import AiModel, Prediction, TrainingExample
from db.models.annotation import Annotation
from db.models.api import ApiKey, ApiLog, RateLimit
from db.models.audit import AuditHead
from db.models.catalogue import CatalogueSeed
from db.models.core import Agent, AgentConnection, AgentLog, Profile, UserSession
from db.models.crm import Deal, DealActivity
from db.models.dashboard import NetworkNode, SystemMetric
from db.models.directory import ProfileCard
from db.models.finance import Invoice, Transaction
from db.models.gamification import Achievement, LeaderboardEntry, UserStats
from db.models.job import Job
from db.models.objective import Objective
from db.models.rollup import AgentRollup, CallRollup, FleetRollup, Kept, Touched
from db.models.rollup_more import ApiRollup, LogRollup, MeasurementRollup
from db.models.second_factor import RecoveryCode, RoleRequirement, SecondFactor
from db.models.security import AuditEntry, SecurityEvent
from db.models.social import SocialPost, SocialTrend
from db.models.support import SupportTicket, TicketMessage
from db.models.telemetry import Call, Sender, Span
from db.models.usage import ProviderUsage
from db.triggers import attach

__all__ = [
    "Achievement",
    "Agent",
    "AgentConnection",
    "AgentLog",
    "AgentRollup",
    "AiModel",
    "Annotation",
    "ApiKey",
    "ApiLog",
    "ApiRollup",
    "AuditEntry",
    "AuditHead",
    "AuthAccount",
    "Call",
    "CallRollup",
    "CatalogueSeed",
    "Deal",
    "DealActivity",
    "FleetRollup",
    "Invoice",
    "Job",
    "Kept",
    "LeaderboardEntry",
    "LogRollup",
    "MeasurementRollup",
    "NetworkNode",
    "Objective",
    "OneTimeCode",
    "Prediction",
    "Profile",
    "ProfileCard",
    "ProviderUsage",
    "RateLimit",
    "RecoveryCode",
    "RoleRequirement",
    "SecondFactor",
    "SecurityEvent",
    "Sender",
    "SignInLimit",
    "SocialPost",
    "SocialTrend",
    "Span",
    "SupportTicket",
    "SystemMetric",
    "TicketMessage",
    "Touched",
    "TrainingExample",
    "Transaction",
    "UserSession",
    "UserStats",
]

# A new domain's file needs no mention here: every module of this package brings its tables.
for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

attach()
